// SPDX-License-Identifier: Apache-2.0
// Collaborative performance control (ACPI 6.5, 8.4.6) with its registers in pc-testdev's memory at 0xFF000000, one
// bank of 0x100 bytes per CPU. Performance 10 is 100 MHz. The energy preference must be a "fixed hardware" register,
// a model specific register on x86: ADDR of machine check bank 9, which the emulator stores per CPU and nothing uses.
// With BOOST, the nominal performance is lower: Linux 6.1 takes 166 to be the highest of this model, whatever is said here.
DefinitionBlock ("", "SSDT", 2, "SPROF", "CPPC", 1)
{
    External (\_SB.CPUS.C000, DeviceObj)
    External (\_SB.CPUS.C001, DeviceObj)

    // The kernel takes "fixed hardware" registers only from a platform that grants all that it asks for
    Scope (\_SB)
    {
        Method (_OSC, 4) { Return (Arg3) }
    }

    Scope (\_SB.CPUS.C000)
    {
        Name (_CPC, Package () {
            23, 3,
#ifdef BOOST
            300, 100, 80, 40,
#else
            300, 200, 80, 40, // highest, nominal, lowest nonlinear, lowest
#endif
            ResourceTemplate () { Register (SystemMemory, 0, 0, 0, 0) }, // guaranteed
            ResourceTemplate () { Register (SystemMemory, 32, 0, 0xFF000000, 3) }, // desired
            ResourceTemplate () { Register (SystemMemory, 32, 0, 0xFF000004, 3) }, // minimum
            ResourceTemplate () { Register (SystemMemory, 32, 0, 0xFF000008, 3) }, // maximum
            ResourceTemplate () { Register (SystemMemory, 0, 0, 0, 0) },
            ResourceTemplate () { Register (SystemMemory, 0, 0, 0, 0) },
            ResourceTemplate () { Register (SystemMemory, 0, 0, 0, 0) },
            ResourceTemplate () { Register (SystemMemory, 32, 0, 0xFF00000C, 3) }, // reference counter
            ResourceTemplate () { Register (SystemMemory, 32, 0, 0xFF000010, 3) }, // delivered counter
            ResourceTemplate () { Register (SystemMemory, 32, 0, 0xFF000014, 3) }, // limited
            ResourceTemplate () { Register (SystemMemory, 32, 0, 0xFF000018, 3) }, // enable
            ResourceTemplate () { Register (SystemMemory, 32, 0, 0xFF00001C, 3) }, // autonomous
            ResourceTemplate () { Register (SystemMemory, 0, 0, 0, 0) },
            ResourceTemplate () { Register (FFixedHW, 8, 0, 0x426, 4) }, // energy preference
#ifdef BOOST
            100, 400, 1000
#else
            200, 400, 2000 // reference, MHz at the lowest, MHz at the nominal
#endif
        })
    }

    Scope (\_SB.CPUS.C001)
    {
        Name (_CPC, Package () {
            23, 3,
#ifdef BOOST
            300, 100, 80, 40,
#else
            300, 200, 80, 40, // highest, nominal, lowest nonlinear, lowest
#endif
            ResourceTemplate () { Register (SystemMemory, 0, 0, 0, 0) }, // guaranteed
            ResourceTemplate () { Register (SystemMemory, 32, 0, 0xFF000100, 3) }, // desired
            ResourceTemplate () { Register (SystemMemory, 32, 0, 0xFF000104, 3) }, // minimum
            ResourceTemplate () { Register (SystemMemory, 32, 0, 0xFF000108, 3) }, // maximum
            ResourceTemplate () { Register (SystemMemory, 0, 0, 0, 0) },
            ResourceTemplate () { Register (SystemMemory, 0, 0, 0, 0) },
            ResourceTemplate () { Register (SystemMemory, 0, 0, 0, 0) },
            ResourceTemplate () { Register (SystemMemory, 32, 0, 0xFF00010C, 3) }, // reference counter
            ResourceTemplate () { Register (SystemMemory, 32, 0, 0xFF000110, 3) }, // delivered counter
            ResourceTemplate () { Register (SystemMemory, 32, 0, 0xFF000114, 3) }, // limited
            ResourceTemplate () { Register (SystemMemory, 32, 0, 0xFF000118, 3) }, // enable
            ResourceTemplate () { Register (SystemMemory, 32, 0, 0xFF00011C, 3) }, // autonomous
            ResourceTemplate () { Register (SystemMemory, 0, 0, 0, 0) },
            ResourceTemplate () { Register (FFixedHW, 8, 0, 0x426, 4) }, // energy preference
#ifdef BOOST
            100, 400, 1000
#else
            200, 400, 2000 // reference, MHz at the lowest, MHz at the nominal
#endif
        })
    }
}
