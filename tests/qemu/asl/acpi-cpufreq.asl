// SPDX-License-Identifier: Apache-2.0
// Five performance states that the kernel requests by writing MHz / 100 to a port and reads back from the same port:
// one byte of pc-testdev's latch (ports 0xE0 to 0xE3) per CPU. With SHARED, both CPUs are one domain, set together.
DefinitionBlock ("", "SSDT", 2, "SPROF", "PSTATES", 1)
{
    External (\_SB.CPUS.C000, DeviceObj)
    External (\_SB.CPUS.C001, DeviceObj)

    // MHz, mW, us of a transition, us of bus mastering, control, status
    Name (\STAT, Package () {
        Package () { 3000, 30000, 10, 10, 30, 30 },
        Package () { 2600, 25000, 10, 10, 26, 26 },
        Package () { 2200, 20000, 10, 10, 22, 22 },
        Package () { 1600, 15000, 10, 10, 16, 16 },
        Package () { 800, 8000, 10, 10, 8, 8 }
    })

    Scope (\_SB.CPUS.C000)
    {
        Name (_PCT, Package () {
            ResourceTemplate () { Register (SystemIO, 8, 0, 0xE0, 1) },
            ResourceTemplate () { Register (SystemIO, 8, 0, 0xE0, 1) }
        })
        Method (_PSS) { Return (\STAT) }
        Method (_PPC) { Return (0) }
#ifdef SHARED
        // Coordination 0xFC (SW_ALL): software sets the two CPUs of domain 0 together
        Name (_PSD, Package () { Package () { 5, 0, 0, 0xFC, 2 } })
#endif
    }

    Scope (\_SB.CPUS.C001)
    {
        Name (_PCT, Package () {
            ResourceTemplate () { Register (SystemIO, 8, 0, 0xE1, 1) },
            ResourceTemplate () { Register (SystemIO, 8, 0, 0xE1, 1) }
        })
        Method (_PSS) { Return (\STAT) }
        Method (_PPC) { Return (0) }
#ifdef SHARED
        Name (_PSD, Package () { Package () { 5, 0, 0, 0xFC, 2 } })
#endif
    }
}
