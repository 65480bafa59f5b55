// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the kernel refused, in words. Its extended acknowledgement gives a
 * message and the offset of the attribute at fault in the request; the offset
 * is turned into the attribute's path here, by the names of the specification.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

/**
 * struct place - an attribute of a request
 * @attr: the attribute, NULL for the message itself
 * @desc: what is known of it, NULL if the specification does not name it
 * @set: the set inside it, NULL if it has none
 * @entry: index of the entry that it lies in, -1 for the message itself
 * @path: its names within the entry, joined by dots
 */
struct place {
	const struct nlattr *attr;
	const struct nattrav_attr_desc *desc;
	const struct nattrav_attr_set *set;
	int entry;
	char path[96];
};

/* Appends to a text that may already be cut at its end. */
__attribute__((format(printf, 3, 4))) static void text_add(char *text, size_t size,
							   const char *format, ...)
{
	size_t len = strlen(text);
	va_list ap;

	va_start(ap, format);
	vsnprintf(text + len, size - len, format, ap);
	va_end(ap);
}

static void path_add(struct place *place, const char *name)
{
	text_add(place->path, sizeof(place->path), "%s%s", place->path[0] ? "." : "", name);
}

/* Goes one level down, to the attribute that holds the byte at @offset. */
static bool place_enter(struct place *place, const struct nlmsghdr *req, size_t offset)
{
	const struct nattrav_attr_set *set = place->set;
	const struct nlattr *attr;
	size_t start, size;
	unsigned int index = 0, type;
	int left;
	char name[32];

	if (place->attr) {
		attr = mnl_attr_get_payload(place->attr);
		left = mnl_attr_get_payload_len(place->attr);
	} else {
		attr = mnl_nlmsg_get_payload_offset(req, GENL_HDRLEN);
		left = (int)mnl_nlmsg_get_payload_len(req) - GENL_HDRLEN;
	}
	start = (size_t)((const char *)attr - (const char *)req);
	if (offset < start)
		return false;
	for (; mnl_attr_ok(attr, left); attr = mnl_attr_next(attr)) {
		size = MNL_ALIGN(mnl_attr_get_len(attr));
		type = mnl_attr_get_type(attr);
		if (offset < start + size)
			break;
		/* Only attributes that occur more than once are numbered. */
		place->desc = nattrav_attr_desc(set, type);
		index += place->desc && place->desc->multi;
		start += size;
		left -= (int)size;
	}
	if (!mnl_attr_ok(attr, left))
		return false;
	type = mnl_attr_get_type(attr);
	place->desc = nattrav_attr_desc(set, type);
	place->set = place->desc ? place->desc->nested : NULL;
	if (!place->attr) {
		place->entry = (int)index;
	} else if (!place->desc) {
		snprintf(name, sizeof(name), "attribute %u", type);
		path_add(place, name);
	} else {
		path_add(place, place->desc->name);
		if (place->desc->multi)
			text_add(place->path, sizeof(place->path), "[%u]", index + 1);
	}
	place->attr = attr;
	return true;
}

/* Finds the attribute that starts at @offset, or the smallest that holds it. */
static struct place place_find(const struct nlmsghdr *req, size_t offset)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(req);
	struct place place = { .set = nattrav_cmd_set(genl->cmd), .entry = -1 };
	struct place next = place;

	while (next.set && place_enter(&next, req, offset)) {
		place = next;
		if ((size_t)((const char *)place.attr - (const char *)req) == offset)
			break;
	}
	return place;
}

static unsigned int entry_count(const struct nlmsghdr *req)
{
	const struct nlattr *attr;
	unsigned int count = 0;

	mnl_attr_for_each(attr, req, GENL_HDRLEN)
		count++;
	return count;
}

/* The refused value, as the user wrote it. */
static void value_add(struct nattrav_error *error, const struct place *place)
{
	const struct nlattr *attr = place->attr;
	char addr[INET6_ADDRSTRLEN];

	if (!place->desc)
		return;
	switch (place->desc->kind) {
	case NATTRAV_ATTR_U8:
		text_add(error->text, sizeof(error->text), "%u: ", mnl_attr_get_u8(attr));
		break;
	case NATTRAV_ATTR_U32:
		text_add(error->text, sizeof(error->text), "%" PRIu32 ": ", mnl_attr_get_u32(attr));
		break;
	case NATTRAV_ATTR_U64:
		text_add(error->text, sizeof(error->text), "%" PRIu64 ": ", mnl_attr_get_u64(attr));
		break;
	case NATTRAV_ATTR_PORT:
		text_add(error->text, sizeof(error->text), "%u: ", nattrav_attr_port(attr));
		break;
	case NATTRAV_ATTR_IPV4:
		if (inet_ntop(AF_INET, mnl_attr_get_payload(attr), addr, sizeof(addr)))
			text_add(error->text, sizeof(error->text), "%s: ", addr);
		break;
	case NATTRAV_ATTR_IPV6:
		if (inet_ntop(AF_INET6, mnl_attr_get_payload(attr), addr, sizeof(addr)))
			text_add(error->text, sizeof(error->text), "%s: ", addr);
		break;
	case NATTRAV_ATTR_STRING:
		text_add(error->text, sizeof(error->text), "\"%s\": ", mnl_attr_get_str(attr));
		break;
	case NATTRAV_ATTR_NONE:
	case NATTRAV_ATTR_FLAG:
	case NATTRAV_ATTR_PAYLOAD_TYPES:
	case NATTRAV_ATTR_NEST:
		break;
	}
}

/**
 * nattrav_error_set() - record a failure that the kernel did not explain
 * @error: set to it
 * @err: -errno
 * @what: what failed, or NULL
 */
void nattrav_error_set(struct nattrav_error *error, int err, const char *what)
{
	error->entry = -1;
	if (what)
		snprintf(error->text, sizeof(error->text), "%s: %s", what, strerror(-err));
	else
		snprintf(error->text, sizeof(error->text), "%s", strerror(-err));
}

/* The attributes after the error number, and after what it repeats of the request. */
static const void *extack_attrs(const struct nlmsghdr *ack, int *len)
{
	size_t start = MNL_NLMSG_HDRLEN + sizeof(int);
	const struct nlmsgerr *e;

	*len = 0;
	if (!(ack->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (ack->nlmsg_type == NLMSG_ERROR) {
		if (ack->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*e))
			return NULL;
		e = mnl_nlmsg_get_payload(ack);
		start = MNL_NLMSG_HDRLEN + sizeof(*e);
		if (!(ack->nlmsg_flags & NLM_F_CAPPED)) {
			if (e->msg.nlmsg_len < MNL_NLMSG_HDRLEN ||
			    e->msg.nlmsg_len > ack->nlmsg_len)
				return NULL;
			start += MNL_ALIGN(e->msg.nlmsg_len) - MNL_NLMSG_HDRLEN;
		}
	}
	if (start >= ack->nlmsg_len)
		return NULL;
	*len = (int)(ack->nlmsg_len - start);
	return (const char *)ack + start;
}

static const struct nlattr *extack_u32(const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr) == sizeof(uint32_t) ? attr : NULL;
}

/**
 * nattrav_extack() - put the kernel's refusal of a request into words
 * @error: set to it
 * @req: the request as it was sent
 * @ack: the answer: NLMSG_ERROR, or NLMSG_DONE for a dump; its payload holds at
 *	least the error number
 */
void nattrav_extack(struct nattrav_error *error, const struct nlmsghdr *req,
		    const struct nlmsghdr *ack)
{
	const struct nlattr *offset = NULL, *miss_type = NULL, *miss_nest = NULL;
	const struct nattrav_attr_desc *missing = NULL;
	struct place place = { .entry = -1 };
	const struct nlattr *attr;
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(req);
	const int *err = mnl_nlmsg_get_payload(ack);
	char message[256] = "";
	const void *attrs;
	int left;

	attrs = extack_attrs(ack, &left);
	for (attr = attrs; attr && mnl_attr_ok(attr, left); attr = mnl_attr_next(attr)) {
		left -= MNL_ALIGN(mnl_attr_get_len(attr));
		switch (mnl_attr_get_type(attr)) {
		case NLMSGERR_ATTR_MSG:
			nattrav_attr_string(attr, message, sizeof(message));
			break;
		case NLMSGERR_ATTR_OFFS:
			offset = extack_u32(attr);
			break;
		case NLMSGERR_ATTR_MISS_TYPE:
			miss_type = extack_u32(attr);
			break;
		case NLMSGERR_ATTR_MISS_NEST:
			miss_nest = extack_u32(attr);
			break;
		default:
			break;
		}
	}
	if (miss_type) {
		place.set = nattrav_cmd_set(genl->cmd);
		if (miss_nest)
			place = place_find(req, mnl_attr_get_u32(miss_nest));
		if (place.set)
			missing = nattrav_attr_desc(place.set, mnl_attr_get_u32(miss_type));
		if (missing)
			path_add(&place, missing->name);
	} else if (offset) {
		place = place_find(req, mnl_attr_get_u32(offset));
	}

	error->entry = place.entry;
	error->text[0] = '\0';
	if (place.entry >= 0 && entry_count(req) > 1)
		text_add(error->text, sizeof(error->text),
			 "%s %d of %u: ", nattrav_cmd_set(genl->cmd)->name, place.entry + 1,
			 entry_count(req));
	if (place.path[0])
		text_add(error->text, sizeof(error->text), "%s: ", place.path);
	if (!missing && place.path[0])
		value_add(error, &place);
	if (message[0])
		text_add(error->text, sizeof(error->text), "%s", message);
	else if (miss_type)
		text_add(error->text, sizeof(error->text), "required, but missing");
	else
		text_add(error->text, sizeof(error->text), "%s", strerror(-*err));
}
