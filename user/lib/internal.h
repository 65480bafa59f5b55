/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of libnattrav share. Nothing here is seen by its users.
 */
#ifndef NATTRAV_INTERNAL_H
#define NATTRAV_INTERNAL_H

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include "nattrav.h"

#pragma GCC visibility push(hidden)

/* attrs.c: the attribute sets of the specification */

enum nattrav_attr_kind {
	NATTRAV_ATTR_NONE, /* padding, or a number that nothing uses */
	NATTRAV_ATTR_FLAG,
	NATTRAV_ATTR_U8,
	NATTRAV_ATTR_U32,
	NATTRAV_ATTR_U64,
	NATTRAV_ATTR_PORT, /* 16 bits in network byte order */
	NATTRAV_ATTR_IPV4,
	NATTRAV_ATTR_IPV6,
	NATTRAV_ATTR_STRING,
	NATTRAV_ATTR_PAYLOAD_TYPES,
	NATTRAV_ATTR_NEST,
};

struct nattrav_attr_set;

/**
 * struct nattrav_attr_desc - what the specification says of an attribute
 * @name: its name there
 * @kind: its type
 * @multi: it may occur more than once in its set
 * @nested: the set inside, if it is a nest
 */
struct nattrav_attr_desc {
	const char *name;
	enum nattrav_attr_kind kind;
	bool multi;
	const struct nattrav_attr_set *nested;
};

/**
 * struct nattrav_attr_set - an attribute set of the specification
 * @name: its name there, in the singular
 * @max: the greatest attribute number
 * @attrs: indexed by attribute number
 */
struct nattrav_attr_set {
	const char *name;
	unsigned int max;
	const struct nattrav_attr_desc *attrs;
};

extern const struct nattrav_attr_set nattrav_set_pools;
extern const struct nattrav_attr_set nattrav_set_pool;
extern const struct nattrav_attr_set nattrav_set_streams;
extern const struct nattrav_attr_set nattrav_set_stream;
extern const struct nattrav_attr_set nattrav_set_leg;
extern const struct nattrav_attr_set nattrav_set_prefix;
extern const struct nattrav_attr_set nattrav_set_events;
extern const struct nattrav_attr_set nattrav_set_event;
extern const struct nattrav_attr_set nattrav_set_infos;
extern const struct nattrav_attr_set nattrav_set_info;
extern const struct nattrav_attr_set nattrav_set_drop;

const struct nattrav_attr_set *nattrav_cmd_set(uint8_t cmd);
const struct nattrav_attr_desc *nattrav_attr_desc(const struct nattrav_attr_set *set,
						  unsigned int type);
int nattrav_attrs_parse(const struct nattrav_attr_set *set, const struct nlattr *nest,
			const struct nlattr **tb);
uint8_t nattrav_attr_u8(const struct nlattr *attr);
uint32_t nattrav_attr_u32(const struct nlattr *attr);
uint64_t nattrav_attr_u64(const struct nlattr *attr);
uint16_t nattrav_attr_port(const struct nlattr *attr);
struct nattrav_addr nattrav_attr_addr(const struct nlattr *ipv4, const struct nlattr *ipv6);
void nattrav_attr_string(const struct nlattr *attr, char *text, size_t size);

/* msg.c: messages that grow as they are written */

/**
 * struct nattrav_msg - a request under construction
 * @nlh: the buffer; moves when it grows, so that nothing may point into it
 * @size: its size
 * @err: the first failure, -errno; what is put after it is ignored
 */
struct nattrav_msg {
	struct nlmsghdr *nlh;
	size_t size;
	int err;
};

void nattrav_msg_begin(struct nattrav_msg *msg, uint16_t family, uint8_t cmd, uint16_t flags);
void nattrav_msg_fail(struct nattrav_msg *msg, int err);
void nattrav_msg_free(struct nattrav_msg *msg);
void nattrav_msg_put(struct nattrav_msg *msg, uint16_t type, const void *data, size_t len);
void nattrav_msg_put_u8(struct nattrav_msg *msg, uint16_t type, uint8_t value);
void nattrav_msg_put_u32(struct nattrav_msg *msg, uint16_t type, uint32_t value);
void nattrav_msg_put_u64(struct nattrav_msg *msg, uint16_t type, uint64_t value);
void nattrav_msg_put_port(struct nattrav_msg *msg, uint16_t type, uint16_t port);
void nattrav_msg_put_addr(struct nattrav_msg *msg, uint16_t ipv4, uint16_t ipv6,
			  const struct nattrav_addr *addr);
void nattrav_msg_put_string(struct nattrav_msg *msg, uint16_t type, const char *text);
size_t nattrav_msg_nest(struct nattrav_msg *msg, uint16_t type);
void nattrav_msg_nest_end(struct nattrav_msg *msg, size_t nest);

/* extack.c: what the kernel refused, in words */

/**
 * struct nattrav_error - the last failure
 * @entry: index of the batch entry that was refused, or -1
 * @text: the failure in words
 */
struct nattrav_error {
	int entry;
	char text[512];
};

void nattrav_error_set(struct nattrav_error *error, int err, const char *what);
void nattrav_extack(struct nattrav_error *error, const struct nlmsghdr *req,
		    const struct nlmsghdr *ack);

/* handle.c: the socket and the exchange of messages */

/**
 * struct nattrav_sock - a netlink socket with room for a datagram
 * @mnl: the socket
 * @buf: the last datagram
 * @size: room in @buf
 */
struct nattrav_sock {
	struct mnl_socket *mnl;
	void *buf;
	size_t size;
};

int nattrav_sock_open(struct nattrav_sock *sock, int flags);
void nattrav_sock_expect(const struct nattrav_sock *sock, size_t count);
void nattrav_sock_close(struct nattrav_sock *sock);
ssize_t nattrav_sock_recv(struct nattrav_sock *sock);

/**
 * struct nattrav - a handle
 * @sock: its socket
 * @family: number of the generic netlink family
 * @group: number of the events group
 * @seq: sequence number of the last request
 * @busy: a request is under way: its call-back must not start another one
 * @msg: the request
 * @error: the last failure
 */
struct nattrav {
	struct nattrav_sock sock;
	uint16_t family;
	uint32_t group;
	uint32_t seq;
	bool busy;
	struct nattrav_msg msg;
	struct nattrav_error error;
};

/* Called for each message of a reply. Return: 0, or -errno to ignore the rest. */
typedef int nattrav_reply_fn(const struct nlmsghdr *nlh, void *arg);

int nattrav_request(struct nattrav *handle, nattrav_reply_fn *fn, void *arg);
int nattrav_begin(struct nattrav *handle, uint8_t cmd, uint16_t flags);
int nattrav_fail(struct nattrav *handle, int err, const char *what);
int nattrav_del_ids(struct nattrav *handle, uint8_t cmd, const uint32_t *ids, size_t count);

/* Called for each entry of a message. Return: 0, or -errno to ignore the rest. */
typedef int nattrav_entry_fn(const struct nlattr *entry, void *arg);

int nattrav_for_each_entry(const struct nlmsghdr *nlh, nattrav_entry_fn *fn, void *arg);

/* pool.c, stream.c, info.c, event.c: entries to and from structures */

void nattrav_pool_build(struct nattrav_msg *msg, const struct nattrav_pool *pool);
int nattrav_pool_parse(const struct nlattr *nest, struct nattrav_pool *pool);
void nattrav_stream_build(struct nattrav_msg *msg, const struct nattrav_stream *stream,
			  uint8_t cmd);
int nattrav_stream_parse(const struct nlattr *nest, struct nattrav_stream *stream);
int nattrav_info_parse(const struct nlattr *nest, struct nattrav_info *info);
int nattrav_event_parse(const struct nlattr *nest, struct nattrav_event *event);

/* event.c */

/**
 * struct nattrav_monitor - a reader of events
 * @sock: the subscribed socket; does not block
 * @family: number of the generic netlink family
 * @handle: for reading the streams anew
 * @ops: whom to tell
 * @arg: for @ops
 * @last: sequence number of the last event
 * @covered: the streams were last read when the event of this number was over
 * @lost: events were missed since
 */
struct nattrav_monitor {
	struct nattrav_sock sock;
	uint16_t family;
	struct nattrav *handle;
	struct nattrav_monitor_ops ops;
	void *arg;
	uint32_t last;
	uint32_t covered;
	bool lost;
};

int nattrav_monitor_datagram(struct nattrav_monitor *monitor, const struct nlmsghdr *nlh,
			     size_t len);

#pragma GCC visibility pop

#endif
