/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * strings.c: what somebody submitted is data
 *
 * Problem   A panic's text, a compiler's message and a file's name are chosen by
 *           who is graded.  They reach a terminal, which obeys escape sequences,
 *           and an XML file, which one wrong byte makes unreadable for a class.
 *
 * Picture   "a\033[2Jb\xff" ─ plain() ─→ "a\x1B[2Jb\xFF"
 *
 * Rules     Nothing is dropped: who reads a report sees that it was there.
 *
 * Read next report/json.c, report/text.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

/*
 * The bytes of the character at s, which a report may have.
 *
 * Returns:  0: it is a control character, no character of XML, or no UTF-8.
 */
static size_t
character(const unsigned char *s)
{
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t i, n = *s < 0x80 ? 1 : *s >> 5 == 6 ? 2 : *s >> 4 == 14 ? 3 :
		*s >> 3 == 30 ? 4 : 0;
	unsigned c = n == 1 ? *s : n > 1 ? *s & 0x7fu >> n : 0;

	for (i = 1; i < n; i++) {
		if (s[i] >> 6 != 2)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (n == 0 || c < least[n] || c > 0x10ffff)
		return 0;
	if ((c < ' ' && c != '\t' && c != '\n') || (c >= 0x7f && c < 0xa0))
		return 0;
	/* What is not seen or turns the line round shows another text than there is. */
	if ((c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069) || c == 0xfeff)
		return 0;
	return (c >= 0xd800 && c < 0xe000) || c == 0xfffe || c == 0xffff ? 0 : n;
}

char *
plain(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	char *out = xalloc(4 * strlen(text) + 1), *to = out;
	size_t n;

	for (; *s != '\0'; s += n) {
		n = character(s);
		if (n == 0) {
			n = 1;
			if (*s != '\r') /* of a line's end */
				to += sprintf(to, "\\x%02X", *s);
			else if (s[1] != '\n')
				*to++ = '\n';
			continue;
		}
		memcpy(to, s, n);
		to += n;
	}
	return out;
}

/* By one open: what is looked at is what is read, whatever the name is then. */
char *
submission_read(int at, const char *name, size_t *len, const char **why)
{
	int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char *text = NULL;
	ssize_t got = 1;
	struct stat st;

	*why = NULL;
	if (fd < 0 || fstat(fd, &st) < 0)
		*why = errno == ELOOP ? "a link: hand in the file itself" :
			errno == ENXIO ? "no regular file" : strerror(errno);
	else if (!S_ISREG(st.st_mode))
		*why = S_ISDIR(st.st_mode) ? "a folder" : "no regular file";
	if (*why == NULL)
		text = xalloc(SUBMISSION_MOST + 2);
	/* It may grow while it is read. */
	for (*len = 0; text != NULL && got > 0 && *len <= SUBMISSION_MOST;) {
		got = read(fd, text + *len, SUBMISSION_MOST + 1 - *len);
		*len += got > 0 ? (size_t)got : 0;
	}
	if (text != NULL && got < 0)
		*why = strerror(errno);
	else if (text != NULL && *len > SUBMISSION_MOST)
		*why = "larger than 1 MiB";
	if (fd >= 0)
		close(fd);
	if (*why == NULL)
		return text;
	free(text);
	return NULL;
}
