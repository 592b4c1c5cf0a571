/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ch17-fmo.c: the steps of ch17-chains.c under design fmo
 *
 * GUEST: --design fmo --memory 128M --append ramdisk=32M --append swap=rama
 */
#include "ch17-chains.c"
