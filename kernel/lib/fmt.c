/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmt.c: printf over a text sink
 *
 * Problem   The console, /proc, panic and fixed buffers all want formatted
 *           text; only where it goes differs.
 *
 * Picture   "%-8s|%04x"  →  parse a spec  →  digits or string  →  pad  →  put
 *
 * Rules     1. No allocation and no floating point; a number's digits are made
 *              backwards in a small buffer on the stack.
 *           2. An unknown conversion is printed as it stands: a wrong format
 *              must not make a panic unreadable.
 *
 * Read next kern/log.c.
 */
#include "lib/fmt.h"
#include "lib/string.h"

#define DIGITS 24 /* 2^64 in octal has 22 */

enum fmt_flag {
	FMT_LEFT = 1, FMT_ZERO = 2, FMT_PLUS = 4, FMT_SPACE = 8, FMT_ALT = 16
};

struct spec {
	unsigned flags;  /* enum fmt_flag */
	int width;       /* 0: none */
	int precision;   /* -1: none */
	int length;      /* -2 hh, -1 h, 0 int, 1 l ll z t j */
	char conv;
};

/* va_list behind a pointer: parsing and printing both advance it. */
struct args {
	va_list ap;
};

static const char *parse_spec(const char *p, struct spec *s, struct args *a);
static void print_spec(struct out *o, const struct spec *s, struct args *a);

void
out_vprintf(struct out *o, const char *fmt, va_list ap)
{
	struct args a;
	struct spec s;
	const char *start;

	va_copy(a.ap, ap);
	while (*fmt != '\0') {
		for (start = fmt; *fmt != '\0' && *fmt != '%'; fmt++)
			;
		if (fmt > start)
			o->put(o, start, (size_t)(fmt - start));
		if (*fmt == '\0')
			break;
		fmt = parse_spec(fmt + 1, &s, &a);
		print_spec(o, &s, &a);
	}
	va_end(a.ap);
}

void
out_printf(struct out *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	out_vprintf(o, fmt, ap);
	va_end(ap);
}

/* ---- parsing ---- */

static const char *
parse_flags(const char *p, unsigned *flags)
{
	static const char names[] = "-0+ #"; /* in the order of enum fmt_flag */
	const char *at;

	*flags = 0;
	while (*p != '\0' && *p <= '0' && (at = strchr(names, *p)) != NULL) {
		*flags |= 1u << (at - names);
		p++;
	}
	return p;
}

/* A decimal number or * from the arguments. */
static const char *
parse_number(const char *p, int *value, struct args *a)
{
	const char *end;

	if (*p == '*') {
		*value = va_arg(a->ap, int);
		return p + 1;
	}
	*value = 0;
	for (end = p; *end >= '0' && *end <= '9'; end++)
		*value = *value * 10 + (*end - '0');
	return end;
}

static const char *
parse_length(const char *p, int *length)
{
	*length = 0;
	for (;; p++) {
		if (*p == 'h')
			(*length)--;
		else if (*p == 'l' || *p == 'z' || *p == 't' || *p == 'j')
			*length = 1;
		else
			return p;
	}
}

/* p stands behind '%'; returns the first byte behind the conversion. */
static const char *
parse_spec(const char *p, struct spec *s, struct args *a)
{
	p = parse_flags(p, &s->flags);
	p = parse_number(p, &s->width, a);
	if (s->width < 0) {
		s->flags |= FMT_LEFT;
		s->width = -s->width;
	}
	s->precision = -1;
	if (*p == '.')
		p = parse_number(p + 1, &s->precision, a);
	p = parse_length(p, &s->length);
	s->conv = *p;
	return *p == '\0' ? p : p + 1;
}

/* ---- printing ---- */

/* n blanks or zeros, as many at once as a column has. */
static void
put_repeated(struct out *o, char c, int n)
{
	static const char blanks[] = "                ", zeros[] = "0000000000000000";
	const int most = sizeof(zeros) - 1;

	for (; n > 0; n -= most)
		o->put(o, c == '0' ? zeros : blanks, (size_t)MIN(n, most));
}

static void
put_padded(struct out *o, const struct spec *s, const char *text, size_t n)
{
	int pad = s->width - (int)n;

	if ((s->flags & FMT_LEFT) == 0)
		put_repeated(o, ' ', pad);
	o->put(o, text, n);
	if ((s->flags & FMT_LEFT) != 0)
		put_repeated(o, ' ', pad);
}

static void
print_string(struct out *o, const struct spec *s, const char *text)
{
	if (text == NULL)
		text = "(null)";
	put_padded(o, s, text, s->precision < 0 ? strlen(text) :
	    strnlen(text, (size_t)s->precision));
}

static uint64_t
fetch_signed(const struct spec *s, struct args *a)
{
	if (s->length > 0)
		return va_arg(a->ap, uint64_t);
	if (s->length == 0)
		return (uint64_t)(int64_t)va_arg(a->ap, int);
	if (s->length == -1)
		return (uint64_t)(int64_t)(short)va_arg(a->ap, int);
	return (uint64_t)(int64_t)(signed char)va_arg(a->ap, int);
}

static uint64_t
fetch_unsigned(const struct spec *s, struct args *a)
{
	if (s->length > 0)
		return va_arg(a->ap, uint64_t);
	if (s->length == 0)
		return va_arg(a->ap, unsigned);
	if (s->length == -1)
		return (unsigned short)va_arg(a->ap, int);
	return (unsigned char)va_arg(a->ap, int);
}

/* Digits of v, least significant last, at the end of buf; returns how many. */
static int
make_digits(char buf[DIGITS], uint64_t v, unsigned base, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	int n = 0;

	for (; v != 0; v /= base)
		buf[DIGITS - ++n] = digits[v % base];
	return n;
}

/* Sign or prefix, zeros up to the precision, digits, all within the width. */
static void
print_number(struct out *o, const struct spec *s, const char *prefix,
    uint64_t v)
{
	unsigned base = s->conv == 'o' ? 8 :
	    s->conv == 'd' || s->conv == 'u' || s->conv == 'i' ? 10 : 16;
	char buf[DIGITS];
	int n = make_digits(buf, v, base, s->conv == 'X');
	int zeros = MAX((s->precision < 0 ? 1 : s->precision) - n, 0);
	int pad = s->width - (int)strlen(prefix) - zeros - n;

	if ((s->flags & FMT_ZERO) != 0 && (s->flags & FMT_LEFT) == 0 &&
	    s->precision < 0 && pad > 0) {
		zeros += pad;
		pad = 0;
	}
	if ((s->flags & FMT_LEFT) == 0)
		put_repeated(o, ' ', pad);
	if (*prefix != '\0')
		o->put(o, prefix, strlen(prefix));
	put_repeated(o, '0', zeros);
	o->put(o, buf + DIGITS - n, (size_t)n);
	if ((s->flags & FMT_LEFT) != 0)
		put_repeated(o, ' ', pad);
}

static void
print_signed(struct out *o, const struct spec *s, uint64_t v)
{
	const char *sign = (s->flags & FMT_PLUS) != 0 ? "+" :
	    (s->flags & FMT_SPACE) != 0 ? " " : "";

	if ((int64_t)v < 0)
		print_number(o, s, "-", 0 - v);
	else
		print_number(o, s, sign, v);
}

static void
print_unsigned(struct out *o, const struct spec *s, uint64_t v)
{
	const char *prefix = "";

	if ((s->flags & FMT_ALT) != 0 && v != 0)
		prefix = s->conv == 'x' ? "0x" : s->conv == 'X' ? "0X" :
		    s->conv == 'o' ? "0" : "";
	print_number(o, s, prefix, v);
}

static void
print_spec(struct out *o, const struct spec *s, struct args *a)
{
	char c = s->conv;

	switch (c) {
	case 'd': case 'i':
		print_signed(o, s, fetch_signed(s, a));
		break;
	case 'u': case 'x': case 'X': case 'o':
		print_unsigned(o, s, fetch_unsigned(s, a));
		break;
	case 'p':
		print_number(o, s, "0x", (uintptr_t)va_arg(a->ap, void *));
		break;
	case 's':
		print_string(o, s, va_arg(a->ap, const char *));
		break;
	case 'c':
		c = (char)va_arg(a->ap, int);
		put_padded(o, s, &c, 1);
		break;
	case '\0':
		o->put(o, "%", 1);
		break;
	case '%':
		o->put(o, &c, 1);
		break;
	default:
		o->put(o, "%", 1);
		o->put(o, &c, 1);
	}
}

/* ---- a field ---- */

/* Text between blanks, or of a line: what of it is in odd becomes \ooo. */
void
out_field(struct out *o, const char *text, const char *odd)
{
	size_t n;

	for (; *text != '\0'; text += n) {
		for (n = 0; text[n] != '\0' && strchr(odd, text[n]) == NULL; n++)
			;
		o->put(o, text, n);
		if (text[n] != '\0')
			out_printf(o, "\\%03o", (unsigned)text[n++]);
	}
}

/* ---- the sink into a buffer ---- */

static void
out_buf_put(struct out *o, const char *text, size_t n)
{
	struct out_buf *b = CONTAINER_OF(o, struct out_buf, out);
	size_t room = b->len + 1 < b->cap ? b->cap - 1 - b->len : 0;

	if (room > 0) {
		memcpy(b->buf + b->len, text, MIN(n, room));
		b->buf[b->len + MIN(n, room)] = '\0';
	}
	b->len += n;
}

void
out_buf_init(struct out_buf *b, char *buf, size_t cap)
{
	b->out.put = out_buf_put;
	b->buf = buf;
	b->cap = cap;
	b->len = 0;
	if (cap > 0)
		buf[0] = '\0';
}

int
vsnprintf(char *buf, size_t cap, const char *fmt, va_list ap)
{
	struct out_buf b;

	out_buf_init(&b, buf, cap);
	out_vprintf(&b.out, fmt, ap);
	return (int)b.len;
}

int
snprintf(char *buf, size_t cap, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, cap, fmt, ap);
	va_end(ap);
	return n;
}

/* ---- a part of a list ---- */

#define PART_BYTES 2048u

static void
part_put(struct out *out, const char *text, size_t n)
{
	struct out_part *p = CONTAINER_OF(out, struct out_part, out);

	p->to->put(p->to, text, n);
	p->bytes += n;
}

/* The records from number at on go to to. */
void
out_part_begin(struct out_part *p, uint64_t at, struct out *to)
{
	*p = (struct out_part){ .out.put = part_put, .to = to, .at = at };
}

bool
out_part_wants(struct out_part *p)
{
	if (p->seen++ < p->at || p->bytes >= PART_BYTES)
		return false;
	p->next = p->seen;
	return true;
}

/* *at: where the next part begins.  1; 0: the list has no record there. */
int
out_part_end(struct out_part *p, uint64_t *at)
{
	if (p->next == 0)
		return 0;
	*at = p->next;
	return 1;
}
