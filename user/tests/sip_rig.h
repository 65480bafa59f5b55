/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A SIP server on loopback with phones around it, in one process: what the
 * tests of the SIP side share. The test itself supplies media_*().
 */
#ifndef SIP_RIG_H
#define SIP_RIG_H

#include "sip/server.h"

/**
 * struct rig - a server
 * @dir: folder of its configuration and database
 * @config: its configuration
 * @server: the server, NULL while it is stopped
 * @addr: its address for UDP and TCP
 * @addr6: its address for UDP over IPv6
 * @tls: its address for TLS
 */
struct rig {
	char *dir;
	struct config *config;
	struct server *server;
	struct sa addr;
	struct sa addr6;
	struct sa tls;
};

/**
 * struct phone - a socket that the test speaks SIP through
 * @us: the socket, if it speaks over UDP
 * @ts: where it waits for the server to connect
 * @accepted: how often the server did
 * @tc: the connection, if over TCP or TLS
 * @sc: TLS on it
 * @tls: what TLS needs
 * @rx: what came over the connection and is not a whole message
 * @up: the connection is there
 * @closed: the other side has closed it
 * @addr: its address
 * @server: the server's
 * @rig: the server it talks to
 * @inbox: messages that came
 */
struct phone {
	struct udp_sock *us;
	struct tcp_sock *ts;
	unsigned int accepted;
	struct tcp_conn *tc;
	struct tls_conn *sc;
	struct tls *tls;
	struct mbuf *rx;
	bool up;
	bool closed;
	struct sa addr;
	struct sa server;
	struct rig *rig;
	struct list inbox;
};

/* @extra: further lines of the configuration. */
void rig_start(struct rig *rig, const char *extra);
/* Start the server again; without @clean what was not committed is lost. */
void rig_restart(struct rig *rig);
void rig_stop(struct rig *rig);

/* @host: an address of 127/8; phones on different ones are different sources. */
void phone_open(struct phone *phone, struct rig *rig, const char *host);
/* At an address that was free a moment ago. */
void phone_open_at(struct phone *phone, struct rig *rig, const struct sa *addr);
void addr_free(struct sa *sa, const char *host);
void phone_open_tcp(struct phone *phone, struct rig *rig);
void phone_open_tls(struct phone *phone, struct rig *rig);
/* Over TCP from this address of 127/8. */
void phone_open_tcp_from(struct phone *phone, struct rig *rig, const char *host);
/* Wait for the server to connect to @addr; with @pem, over TLS. @rig may not run yet. */
void phone_listen(struct phone *phone, struct rig *rig, const struct sa *addr, const char *pem);
void phone_expect_connection(struct phone *phone, unsigned int count);
/* Close the connection, and wait for another. */
void phone_hang_up(struct phone *phone);
void phone_close(struct phone *phone);

/* A key and a certificate of its own for a name, in one file. */
void certificate_write(const char *path, const char *name);

/* Let the event loop run until a condition holds, 2 s at most; whether it does. */
bool rig_wait(bool (*done)(void *arg), void *arg);

/* Send text; "\n" becomes CR LF, "@L" the phone's and "@S" the server's host:port. */
void phone_send(struct phone *phone, const char *text, ...);
void phone_send_raw(struct phone *phone, const void *data, size_t len);

/* The next message, decoded, or NULL if none comes in 200 ms. Drop it with mem_deref(). */
struct sip_msg *phone_receive(struct phone *phone);
/* The same as it came. */
struct mbuf *phone_receive_raw(struct phone *phone);
/* The same; @expected: be patient. */
struct mbuf *phone_receive_text(struct phone *phone, bool expected);

/* Fails unless the next message is a response with this status, or a request with this method. */
struct sip_msg *phone_expect(struct phone *phone, unsigned int status);
struct sip_msg *phone_expect_request(struct phone *phone, const char *method);
/* Fails unless the server closes the connection. */
void phone_expect_close(struct phone *phone);
void phone_expect_nothing(struct phone *phone);

/* Answer a request; @extra are further header lines, @body an SDP or "". */
void phone_reply(struct phone *phone, const struct sip_msg *request, unsigned int status,
		 const char *tag, const char *extra, const char *body);

/* The value of an Authorization for a challenge; drop it with mem_deref(). */
char *phone_authorize(const struct sip_msg *challenge, enum sip_hdrid id, bool sha256,
		      const char *method, const char *uri, const char *user, const char *password);

/* Register with digest; fails the test if it does not work. */
void phone_register(struct phone *phone, const char *user, const char *password);
/* The same for one of several terminals of a user: @n makes its Contact its own. */
void phone_register_as(struct phone *phone, const char *user, const char *password, unsigned int n);

/* The two whom the configuration of the rig knows, registered. */
void phones_open(struct phone *alice, struct phone *bob, struct rig *rig);

/* Whether a header of the message contains some text. */
bool header_has(const struct sip_msg *msg, enum sip_hdrid id, const char *text);

#endif
