// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Control.
 */
#include "control.h"

#include <errno.h>
#include <grp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "drain.h"
#include "log.h"
#include "status.h"

#define GROUP       "nattrav"
#define MODE        0660
#define FOLDER_MODE 0750
#define CLIENTS_MAX 16
/* groups of one who asks; Linux has 65536, people have some */
#define GROUPS_MAX 256

/**
 * struct control - the socket
 * @served: what is served
 * @drain: what drains it
 * @path: where it is, NULL before it is
 * @group: who may ask, beside root and ourselves
 * @fd: the socket
 * @clients: list of struct client
 */
struct control {
	const struct served *served;
	struct drain *drain;
	char *path;
	gid_t group;
	int fd;
	struct list clients;
};

struct client {
	struct le le;
	struct control *control;
	int fd;
};

static void client_destroy(void *data)
{
	struct client *client = data;

	list_unlink(&client->le);
	if (client->fd < 0)
		return;
	compat_fd_unwatch(client->fd);
	(void)close(client->fd);
}

/* Who does not read what he is told is not waited for. */
static void client_answer(const struct client *client)
{
	struct mbuf *mb = status_json(client->control->served->server, client->control->served->ng);

	if (mb)
		(void)send(client->fd, mb->buf, mb->end, MSG_DONTWAIT | MSG_NOSIGNAL);
	mem_deref(mb);
}

static void control_destroy(void *data)
{
	struct control *control = data;
	struct le *le;

	LIST_FOREACH(&control->clients, le)
		client_answer(le->data);
	list_flush(&control->clients);
	if (control->fd >= 0) {
		compat_fd_unwatch(control->fd);
		(void)close(control->fd);
	}
	if (control->path)
		(void)unlink(control->path);
	mem_deref(control->path);
}

static void client_readable(int flags, void *arg)
{
	struct client *client = arg;
	struct drain *drain = client->control->drain;
	char word[16];
	ssize_t len;

	(void)flags;
	len = recv(client->fd, word, sizeof(word) - 1, MSG_DONTWAIT);
	if (len <= 0) {
		mem_deref(client);
		return;
	}
	word[len] = '\0';
	if (!strcmp(word, "drain"))
		drain_begin(drain);
	else if (!strcmp(word, "cancel"))
		drain_cancel(drain);
	else if (strcmp(word, "status") != 0) {
		mem_deref(client);
		return;
	}
	client_answer(client);
}

/* The mode of the file says the same, unless somebody has changed that. */
static bool may_ask(const struct control *control, int fd)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups), who_len = sizeof(struct ucred);
	struct ucred who;
	size_t i;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_len))
		return false;
	if (!who.uid || who.uid == geteuid())
		return true;
	if (!control->group)
		return false;
	if (who.gid == control->group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len))
		return false;
	for (i = 0; i < len / sizeof(*groups); i++) {
		if (groups[i] == control->group)
			return true;
	}

	return false;
}

static int client_alloc(struct control *control, int fd)
{
	struct client *client;
	int err;

	client = mem_zalloc(sizeof(*client), client_destroy);
	if (!client)
		return ENOMEM;
	client->fd = -1;
	client->control = control;
	err = compat_fd_watch(fd, client_readable, client);
	if (err) {
		mem_deref(client);
		return err;
	}
	client->fd = fd;
	list_append(&control->clients, &client->le, client);
	return 0;
}

static void control_readable(int flags, void *arg)
{
	struct control *control = arg;
	int fd;

	(void)flags;
	fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (!may_ask(control, fd))
		log_warn("control: somebody who is neither root nor in the group is refused");
	else if (list_count(&control->clients) < CLIENTS_MAX && !client_alloc(control, fd))
		return;
	(void)close(fd);
}

/* Who started us owns it; if that is root, the group of nattravd may use it all the same. */
static void group_give(const char *path)
{
	const struct group *group = geteuid() ? NULL : getgrnam(GROUP);

	if (group && lchown(path, (uid_t)-1, group->gr_gid))
		log_warn("%s: %m", path, errno);
}

static void folder_make(const char *path)
{
	char *folder = strdup(path);
	char *slash = folder ? strrchr(folder, '/') : NULL;

	if (slash && slash != folder) {
		*slash = '\0';
		if (!mkdir(folder, FOLDER_MODE))
			group_give(folder);
	}
	free(folder);
}

/* A file that nobody listens at was left by one who was killed. */
static bool is_left_over(const struct sockaddr_un *name)
{
	const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	bool left_over;

	if (fd < 0)
		return false;
	left_over = connect(fd, (const struct sockaddr *)name, sizeof(*name)) &&
		    errno == ECONNREFUSED;
	(void)close(fd);
	return left_over;
}

static int control_bind(struct control *control, const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t mask;
	int err;

	if (strlen(path) >= sizeof(name.sun_path))
		return ENAMETOOLONG;
	str_ncpy(name.sun_path, path, sizeof(name.sun_path));
	folder_make(path);
	/* nobody gets in before it is decided who may */
	mask = umask(0777);
	err = bind(control->fd, (const struct sockaddr *)&name, sizeof(name)) ? errno : 0;
	if (err == EADDRINUSE && is_left_over(&name)) {
		(void)unlink(path);
		err = bind(control->fd, (const struct sockaddr *)&name, sizeof(name)) ? errno : 0;
	}
	(void)umask(mask);
	if (err)
		return err;
	err = str_dup(&control->path, path);
	if (err)
		return err;
	group_give(path);
	if (chmod(path, MODE) || stat(path, &st) || listen(control->fd, CLIENTS_MAX))
		return errno;
	control->group = st.st_gid;
	return 0;
}

int control_alloc(struct control **controlp, const char *path, const struct served *served,
		  struct drain *drain)
{
	struct control *control;
	int err;

	control = mem_zalloc(sizeof(*control), control_destroy);
	if (!control)
		return ENOMEM;
	control->served = served;
	control->drain = drain;
	control->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	err = control->fd < 0 ? errno : control_bind(control, path);
	if (!err)
		err = compat_fd_watch(control->fd, control_readable, control);
	if (err) {
		log_warn("control %s: %m: nattravctl drain will not work; see \"control\" in "
			 "nattravd.conf(5)",
			 path, err);
		mem_deref(control);
	} else {
		*controlp = control;
	}
	return err;
}
