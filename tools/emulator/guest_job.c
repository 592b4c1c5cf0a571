/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_job.c: what a job puts into the guest's root
 *
 * Problem   The guest's first process must learn what to run, and find the
 *           files that the command needs.
 *
 * Picture   build/initrd.cpio ++ archive { .guest/argv, env, stdin, tty,
 *           added files }
 *
 * Rules     /.guest/argv present: run it and end the machine; absent: a shell.
 *
 * Read next kernel/user/init.c.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <stdio.h>

#include "guest_pump.h"

static const char *put_file(struct newc *, const char *path, const char *host);
static void put_argv(struct newc *, char *const *argv);
static void put_tty(struct newc *);
static const char *put_add(struct newc *, const struct guest_add *);

const char *
pump_job_archive(struct newc *n, const struct guest_job *job)
{
	const char *failed = NULL;
	size_t i, len;

	/* A root on a disk has the image already; the job's files go over it. */
	if (job->root == NULL) {
		n->buf = newc_read_file(job->initrd, &len);
		if (n->buf == NULL)
			return job->initrd;
		n->len = n->cap = len;
	}
	newc_entry(n, ".guest", S_IFDIR | 0755, NULL, 0);
	if (job->argv != NULL)
		put_argv(n, job->argv);
	if (job->interactive)
		put_tty(n);
	if (job->stdin_file != NULL)
		failed = put_file(n, ".guest/stdin", job->stdin_file);
	for (i = 0; i < job->nadd && failed == NULL; i++)
		failed = put_add(n, &job->add[i]);
	newc_end(n);
	return failed;
}

static const char *
put_file(struct newc *n, const char *path, const char *host)
{
	size_t len;
	void *data = newc_read_file(host, &len);

	if (data == NULL)
		return host;
	newc_entry(n, path, S_IFREG | 0644, data, len);
	free(data);
	return NULL;
}

/* The arguments, each with its NUL. */
static void
put_argv(struct newc *n, char *const *argv)
{
	size_t i, len = 0;
	char *buf;

	for (i = 0; argv[i] != NULL; i++)
		len += strlen(argv[i]) + 1;
	buf = malloc(len);
	if (buf == NULL)
		abort();
	len = 0;
	for (i = 0; argv[i] != NULL; i++) {
		strcpy(buf + len, argv[i]);
		len += strlen(argv[i]) + 1;
	}
	newc_entry(n, ".guest/argv", S_IFREG | 0644, buf, len);
	free(buf);
}

/* Our terminal's size and kind, for the guest's. */
static void
put_tty(struct newc *n)
{
	struct winsize ws = { 0 };
	const char *term = getenv("TERM");
	char text[128];
	int len;

	if (ioctl(0, TIOCGWINSZ, &ws) < 0 || ws.ws_row == 0) {
		ws.ws_row = 24;
		ws.ws_col = 80;
	}
	len = snprintf(text, sizeof text, "%u %u\n", ws.ws_row, ws.ws_col);
	newc_entry(n, ".guest/tty", S_IFREG | 0644, text, len);
	len = snprintf(
	    text, sizeof text, "TERM=%s", term != NULL ? term : "vt100");
	if ((size_t)len < sizeof text)
		newc_entry(n, ".guest/env", S_IFREG | 0644, text, len + 1);
}

/* HOST[:GUEST]; a GUEST that ends in a slash is the folder to put it in. */
static const char *
put_add(struct newc *n, const struct guest_add *a)
{
	const char *base = strrchr(a->host, '/');
	char *path;
	size_t len = strlen(a->guest);
	const char *failed = NULL;

	base = base != NULL && base[1] != '\0' ? base + 1 : a->host;
	if (len > 0 && a->guest[len - 1] == '/') {
		if (asprintf(&path, "%s%s", a->guest, base) < 0)
			abort();
	} else {
		path = strdup(a->guest);
	}
	newc_parents(n, path);
	if (!newc_host(n, a->host, path))
		failed = a->host;
	free(path);
	return failed;
}
