/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * access.h: bytes of users and of objects
 */
#ifndef VM_ACCESS_ACCESS_H
#define VM_ACCESS_ACCESS_H

#include "vm/object/object.h"

/* uaccess.c: no lock of rank >= 2 held */
int vm_pin_user(struct aspace *, va_t, enum access, struct vm_page **) MUST_CHECK; /* 0, -EFAULT, -EINTR */

/* ======== within the room ======== */

/* The direction of a copy: to the user or the uio, or from there. */
enum uio_dir { UIO_PUT, UIO_GET };
/* Bytes moved, short where user memory ends; -EFAULT, -EINTR if none */
ssize_t as_copy(struct aspace *, va_t, char *buf, size_t n, enum uio_dir);
ssize_t uio_move_frames(struct uio *, struct vm_page *const *, size_t at, size_t n,
    enum uio_dir);

#endif
