// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Accounting. A line is written in one piece, so that others may read or move
 * the file at any time.
 */
#include "sip/account.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "media/quality.h"

/* between two lines about a disk that is full */
#define QUIET_MS 10000

#define BUCKETS 1024

struct accounts {
	char *path;
	int fd;
	struct media *media;
	struct hash *open;
	unsigned int missing;
	uint64_t quiet_until;
};

/* A call that is over; what is known of it but its media. */
struct account {
	struct le he;
	char *name;
	struct mbuf *text;
};

static void account_destroy(void *data)
{
	struct account *account = data;

	hash_unlink(&account->he);
	mem_deref(account->name);
	mem_deref(account->text);
}

static bool name_match(struct le *le, void *arg)
{
	const struct account *account = le->data;

	return !strcmp(account->name, arg);
}

/* A string of JSON. Bytes that are no ASCII are told by number, whatever they mean. */
static int print_string(struct re_printf *pf, const char *text)
{
	const uint8_t *p;
	int err = re_hprintf(pf, "\"");

	for (p = (const uint8_t *)text; *p && !err; p++) {
		if (*p < 0x20 || *p >= 0x7f)
			err = re_hprintf(pf, "\\u%04x", *p);
		else if (*p == '"' || *p == '\\')
			err = re_hprintf(pf, "\\%c", *p);
		else
			err = re_hprintf(pf, "%c", *p);
	}

	return err ?: re_hprintf(pf, "\"");
}

static int side_write(struct mbuf *mb, const char *name, const struct media_report_side *side)
{
	const unsigned int mos = quality_mos(side->received, side->lost, side->jitter);
	int err;

	err = mbuf_printf(mb, "\"%s\":{\"packets\":%llu,\"bytes\":%llu,\"dropped\":%llu", name,
			  (unsigned long long)side->packets, (unsigned long long)side->bytes,
			  (unsigned long long)side->dropped);
	if (sa_isset(&side->peer, SA_ALL))
		err |= mbuf_printf(mb, ",\"peer\":\"%J\"", &side->peer);
	if (side->rtp)
		err |= mbuf_printf(mb,
				   ",\"received\":%u,\"lost\":%u,\"reordered\":%u,"
				   "\"jitter_ms\":%u.%03u",
				   side->received, side->lost, side->reordered, side->jitter / 1000,
				   side->jitter % 1000);
	if (side->rtp && mos)
		err |= mbuf_printf(mb, ",\"mos\":%u.%02u", mos / 100, mos % 100);
	return err | mbuf_write_str(mb, "}");
}

static int media_write(struct mbuf *mb, const struct media_report *report)
{
	int err = mbuf_write_str(mb, ",\"media\":[");
	unsigned int i;

	for (i = 0; i < report->count; i++) {
		const struct media_report_stream *stream = &report->streams[i];

		err |= mbuf_printf(mb, "%s{\"type\":%H,", i ? "," : "", print_string, stream->type);
		err |= side_write(mb, "a", &stream->side[NATTRAV_SIDE_A]);
		err |= mbuf_write_str(mb, ",");
		err |= side_write(mb, "b", &stream->side[NATTRAV_SIDE_B]);
		err |= mbuf_write_str(mb, "}");
	}

	return err | mbuf_write_str(mb, "]}\n");
}

static void line_write(struct accounts *accounts, const struct mbuf *mb)
{
	ssize_t written;

	if (accounts->fd < 0)
		return;
	written = write(accounts->fd, mb->buf, mb->end);
	if (written == (ssize_t)mb->end)
		return;
	accounts->missing++;
	if (wheel_now() >= accounts->quiet_until) {
		log_error("accounting %s: %m: %u calls are missing", accounts->path,
			  written < 0 ? errno : ENOSPC, accounts->missing);
		accounts->quiet_until = wheel_now() + QUIET_MS;
	}
	/* half a line would spoil the next one */
	if (written > 0 && ftruncate(accounts->fd, lseek(accounts->fd, 0, SEEK_END) - written))
		log_debug("accounting %s: %m", accounts->path, errno);
}

static void media_over(const char *name, const struct media_report *report, void *arg)
{
	struct accounts *accounts = arg;
	struct account *account;

	account = list_ledata(
		hash_lookup(accounts->open, hash_joaat_str(name), name_match, (void *)name));
	if (!account)
		return;
	if (!media_write(account->text, report))
		line_write(accounts, account->text);
	mem_deref(account);
}

static int end_write(struct mbuf *mb, const char *name, const struct dialog_end *end)
{
	return mbuf_printf(mb, ",\"%s\":{\"transport\":\"%s\",\"address\":\"%J\"}", name,
			   transport_name(end->flow.transport), &end->flow.remote);
}

static int call_write(struct mbuf *mb, const struct dialog *dialog, const char *why)
{
	const unsigned long long now = (unsigned long long)time(NULL);
	const unsigned long long answered = dialog->answered;
	int err;

	err = mbuf_printf(mb, "{\"call\":%H,\"caller\":%H,\"callee\":%H", print_string,
			  dialog->callid, print_string, dialog->end[NATTRAV_SIDE_A].user,
			  print_string, dialog->end[NATTRAV_SIDE_B].user);
	if (dialog->began)
		err |= mbuf_printf(mb, ",\"begin\":%llu", (unsigned long long)dialog->began);
	if (answered)
		err |= mbuf_printf(mb, ",\"answer\":%llu", answered);
	err |= mbuf_printf(mb, ",\"end\":%llu,\"seconds\":%llu,\"reason\":%H", now,
			   answered && now > answered ? now - answered : 0ull, print_string, why);
	err |= end_write(mb, "a", &dialog->end[NATTRAV_SIDE_A]);
	if (answered)
		err |= end_write(mb, "b", &dialog->end[NATTRAV_SIDE_B]);
	return err;
}

void account_call(struct accounts *accounts, const struct dialog *dialog, const char *why)
{
	const struct media_call call = { { dialog->callid, str_len(dialog->callid) },
					 dialog_media(dialog, dialog->branch) };
	struct account *account;
	int err;

	if (!accounts)
		return;
	account = mem_zalloc(sizeof(*account), account_destroy);
	if (!account)
		return;
	account->text = mbuf_alloc(512);
	err = account->text ? media_call_name(&account->name, &call) : ENOMEM;
	if (!err)
		err = call_write(account->text, dialog, why);
	if (err) {
		log_error("call %s: not in the accounts: %m", dialog->callid, err);
		mem_deref(account);
		return;
	}
	hash_append(accounts->open, hash_joaat_str(account->name), &account->he, account);
}

void accounts_reopen(struct accounts *accounts)
{
	if (accounts->fd >= 0)
		(void)close(accounts->fd);
	accounts->fd = open(accounts->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (accounts->fd < 0)
		log_error("accounting %s: %m", accounts->path, errno);
}

static void accounts_destroy(void *data)
{
	struct accounts *accounts = data;

	if (accounts->media)
		media_on_report(accounts->media, NULL, NULL);
	hash_flush(accounts->open);
	mem_deref(accounts->open);
	if (accounts->fd >= 0)
		(void)close(accounts->fd);
	mem_deref(accounts->path);
}

int accounts_alloc(struct accounts **accountsp, const char *path, struct media *media)
{
	struct accounts *accounts;
	int err;

	accounts = mem_zalloc(sizeof(*accounts), accounts_destroy);
	if (!accounts)
		return ENOMEM;

	accounts->fd = -1;
	err = hash_alloc(&accounts->open, BUCKETS);
	if (!err)
		err = str_dup(&accounts->path, path);
	if (!err) {
		accounts_reopen(accounts);
		err = accounts->fd < 0 ? EACCES : 0;
	}
	if (err) {
		mem_deref(accounts);
		return err;
	}
	accounts->media = media;
	media_on_report(media, media_over, accounts);
	*accountsp = accounts;
	return 0;
}
