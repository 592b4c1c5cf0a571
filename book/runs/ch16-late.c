/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ch16-late.c: the steps of ch16-shares.c under design uvm, whose amaps are copied late
 *
 * GUEST: --design uvm --memory 128M --append uvm=late --append ramdisk=32M --append swap=rama
 */
#include "ch16-shares.c"
