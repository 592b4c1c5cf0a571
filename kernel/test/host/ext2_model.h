/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext2_model.h: files on an ext2 image, and beside them what they must hold
 *
 * Offers    images of mke2fs on the disk "hda", mounted on /m; operations at
 *           random with a model of what must come of them.
 */
#ifndef TEST_HOST_EXT2_MODEL_H
#define TEST_HOST_EXT2_MODEL_H

#include "fs/fsfn.h"
#include "test/host/disk.h"
#include "test/host/paths.h"

struct CMUnitTest;

int model_run(int argc, char **argv, const struct CMUnitTest *, size_t);

/* A new image of so many MiB by mke2fs with these options, as the disk. */
void image_make(const char *options, unsigned mib);
void image_save(void);                   /* the disk as it is now, to be */
void image_load(void);                   /* loaded again */
void image_cut(unsigned epoch);
int disk_mount(unsigned flags);
int disk_umount(void);
/* Unmounted, the image is what e2fsck calls clean. */
void disk_check(void);

/* fs_open() must say want; NULL if that is an error. */
struct file *t_open(const char *path, unsigned flags, int want);
bool same_bytes(const char *path, const uint8_t *bytes, uint64_t size);

void ops_random(unsigned n);             /* so many steps */
void model_scarce(enum inject_point, bool on); /* each call is refused it first */
void compare_all(void);                  /* each file with the model */
void model_clear(void);
void record_begin(void);
void record_end(void);
void promises_check(unsigned epoch);

#endif
