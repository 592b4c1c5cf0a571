/* SPDX-License-Identifier: BSD-2-Clause */
/* nothing.c: the smallest program, for what exec itself costs */
int
main(void)
{
	return 0;
}
