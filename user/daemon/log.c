// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Log lines on standard error. A line is written in one piece, and what came
 * from the network cannot forge a second one: control characters are escaped.
 */
#include <re.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

static enum log_level log_level_max = LOG_LEVEL_INFO;

/* Priorities of syslog(3) as systemd reads them, and the words for people. */
static const struct {
	const char *prefix;
	const char *word;
} log_levels[] = {
	[LOG_LEVEL_ERROR] = { "<3>", "error: " },
	[LOG_LEVEL_WARN] = { "<4>", "warning: " },
	[LOG_LEVEL_INFO] = { "<6>", "" },
	[LOG_LEVEL_DEBUG] = { "<7>", "debug: " },
};

/**
 * log_set_level() - choose what is logged
 * @level: the least urgent level that is still written
 */
void log_set_level(enum log_level level)
{
	log_level_max = level;
}

/*
 * systemd.exec(5): $JOURNAL_STREAM holds "device:inode" of the journal's
 * stream. Comparing it with standard error tells whether it was redirected.
 */
static bool log_to_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char *own = NULL;
	struct stat st;
	bool match;

	if (!stream || fstat(STDERR_FILENO, &st))
		return false;

	if (re_sdprintf(&own, "%llu:%llu", (unsigned long long)st.st_dev,
			(unsigned long long)st.st_ino))
		return false;

	match = !str_cmp(own, stream);
	mem_deref(own);
	return match;
}

static int log_write_escaped(const char *p, size_t size, void *arg)
{
	struct mbuf *mb = arg;
	size_t i;
	int err = 0;

	for (i = 0; i < size && !err; i++) {
		const uint8_t c = (uint8_t)p[i];

		if (c < 0x20 || c == 0x7f)
			err = mbuf_printf(mb, "\\x%02x", c);
		else
			err = mbuf_write_u8(mb, c);
	}

	return err;
}

static int log_write_stamp(struct mbuf *mb)
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	if (!localtime_r(&now.tv_sec, &tm))
		return EINVAL;

	return mbuf_printf(mb, "%02d:%02d:%02d.%03u ", tm.tm_hour, tm.tm_min, tm.tm_sec,
			   (unsigned int)(now.tv_nsec / 1000000));
}

static void log_line(enum log_level level, const char *fmt, va_list ap)
{
	static int journal = -1;
	struct mbuf *mb;
	int err;

	if (level > log_level_max)
		return;

	if (journal < 0)
		journal = log_to_journal();

	mb = mbuf_alloc(256);
	if (!mb)
		return;

	if (journal)
		err = mbuf_write_str(mb, log_levels[level].prefix);
	else
		err = log_write_stamp(mb) ?: mbuf_write_str(mb, log_levels[level].word);

	err = err ?: re_vhprintf(fmt, ap, log_write_escaped, mb);
	err = err ?: mbuf_write_u8(mb, '\n');

	/* There is nobody to tell that the log cannot be written. */
	if (!err) {
		const ssize_t written = write(STDERR_FILENO, mb->buf, mb->end);

		(void)written;
	}

	mem_deref(mb);
}

/**
 * log_error() - something does not work and needs a person
 * @fmt: format of re_printf(), without a newline
 */
void log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_ERROR, fmt, ap);
	va_end(ap);
}

/**
 * log_warn() - something is wrong, but the service goes on
 * @fmt: format of re_printf(), without a newline
 */
void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_WARN, fmt, ap);
	va_end(ap);
}

/**
 * log_info() - the story of the calls
 * @fmt: format of re_printf(), without a newline
 */
void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_INFO, fmt, ap);
	va_end(ap);
}

/**
 * log_debug() - what helps to find a fault
 * @fmt: format of re_printf(), without a newline
 */
void log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_DEBUG, fmt, ap);
	va_end(ap);
}
