/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kern.c: options, injected failures, events and the log
 *
 * What a thread is, and how a test ends, is the program's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/hostkern/hostkern.h"

static struct {
	uint64_t count[EV_COUNT];
	struct {
		uint64_t (*fn)(size_t arg);
		size_t arg;
	} gauge[EV_COUNT];
	unsigned hits[FI_COUNT], fail_at[FI_COUNT], every[FI_COUNT];
	char options[512];
} kern;

struct thread *
thread_current(void)
{
	return md_current();
}

/* They run on stacks of the host's. */
size_t
thread_stacks_deepest(void)
{
	return 0;
}

void
evidence_ask(uint32_t what)
{
	atomic_or(&evidence_asked, what);
}

/* ---- options and injection ---- */

void
host_options(const char *s)
{
	snprintf(kern.options, sizeof(kern.options), " %s ", s);
}

const char *
option_str(const char *name)
{
	static char value[64];
	char key[64];
	const char *p;

	snprintf(key, sizeof(key), " %s=", name);
	p = strstr(kern.options, key);
	if (p == NULL)
		return NULL;
	sscanf(p + strlen(key), "%63s", value);
	return value;
}

uint64_t
option_u64(const char *name)
{
	const char *s = option_str(name);

	return s == NULL ? 0 : strtoull(s, NULL, 0);
}

bool
option_is(const char *name, const char *value)
{
	const char *s = option_str(name);

	return s != NULL && strcmp(s, value) == 0;
}

void
host_inject(enum inject_point point, unsigned n, unsigned each)
{
	kern.hits[point] = 0;
	kern.fail_at[point] = n;
	kern.every[point] = each;
}

bool
inject_hit(enum inject_point point)
{
	unsigned hit = ++kern.hits[point], at = kern.fail_at[point];

	if (at == 0 || hit < at)
		return false;
	return hit == at ||
	    (kern.every[point] != 0 && (hit - at) % kern.every[point] == 0);
}

/* ---- events ---- */

void
ev_add(enum ev_id id, int64_t n)
{
	kern.count[id] += (uint64_t)n;
}

void (*host_on_event)(enum ev_id);

void
ev_trace(enum ev_id id, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	kern.count[id]++;
	if (host_on_event != NULL)
		host_on_event(id);
}

void
ev_record(enum ev_id id, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	ev_trace(id, a, b, c, d);
}

uint64_t
ev_read(enum ev_id id)
{
	return kern.gauge[id].fn != NULL ?
	    kern.gauge[id].fn(kern.gauge[id].arg) : kern.count[id];
}

void
ev_set_gauge(enum ev_id id, uint64_t (*fn)(size_t arg), size_t arg)
{
	kern.gauge[id].fn = fn;
	kern.gauge[id].arg = arg;
}

/* ---- log ---- */

void
klog(const char *fmt, ...)
{
	va_list ap;

	if (getenv("VERBOSE") == NULL)
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void
panic_assert(const char *what)
{
	panic("%s", what);
}
