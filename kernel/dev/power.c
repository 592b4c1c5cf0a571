/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * power.c: the end of the machine
 *
 * Problem   Power off, restart or report a panic, on a PC, in QEMU and in
 *           Bochs, which have nothing in common here.
 *
 * Rules     1. The emulators' own devices come first: QEMU's isa-debug-exit
 *              (0xf4: status 2·value+1), Bochs's port 0x8900 ("Shutdown").
 *           2. Then ACPI's power-off register of the i440FX board, the
 *              keyboard controller's reset line, and at last a halt.
 *           3. None of the codes says how a program ended: the record
 *              channel does (channel/record.c).
 */
#include "dev/devfn.h"

#define PORT_DEBUG_EXIT 0xf4
#define PORT_BOCHS 0x8900
#define PORT_PIIX4_PM 0x604
#define PM_SLEEP_NOW 0x2000      /* and type 0: power off */
#define PORT_KEYBOARD 0x64
#define KEYBOARD_RESET 0xfe      /* pulse the line that resets the processor */
#define EXIT_CLEAN 0x10
#define EXIT_KILLED 0x11         /* the first program was */
#define EXIT_PANIC 0x7d

static struct {
	void (*prepare)(void);   /* [c] set at boot; NULL: nothing to do */
} power;

static void power_panic(void);

void
power_init(void)
{
	panic_set_end(power_panic);
}

void
power_set_prepare(void (*fn)(void))
{
	power.prepare = fn;
}

/*
 * The machine will end soon, in order: disks are written.
 *
 * Locks:    none held.
 * Context:  thread, sleeps.
 */
void
power_prepare(void)
{
	if (power.prepare != NULL)
		power.prepare();
}

/*
 * End the machine.
 *
 * Locks:    any; works in a panic.
 * Returns:  never.
 */
void
power_end(enum power_how how)
{
	static const uint8_t code[] = { [POWER_OFF] = EXIT_CLEAN,
		[POWER_REBOOT] = EXIT_CLEAN, [POWER_PANIC] = EXIT_PANIC,
		[POWER_KILLED] = EXIT_KILLED };
	static const char bochs[] = "Shutdown";

	uart_drain();
	if (how == POWER_REBOOT) {
		md_out8(PORT_KEYBOARD, KEYBOARD_RESET);
	} else {
		md_out8(PORT_DEBUG_EXIT, code[how]);
		md_outs8(PORT_BOCHS, bochs, sizeof(bochs) - 1);
		md_out16(PORT_PIIX4_PM, PM_SLEEP_NOW);
	}
	md_halt_forever();
}

static void
power_panic(void)
{
	power_end(POWER_PANIC);
}
