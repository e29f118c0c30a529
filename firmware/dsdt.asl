// dsdt.asl - what an ACPI operating system is told about the machine: the i440FX/PIIX PC as devices/machine wires it.
//
// Compiled by iasl at build time; acpi.c sets the value of PMIN (start of the PCI hole) for the machine's memory size.
// SeaBIOS looks for the keyboard here with a parser that knows declarations only: everything else belongs into a method.
// Source: ACPI Specification, chapters "Device Configuration" and "System Event Signaling"; Intel 82371AB data sheet.
DefinitionBlock ("dsdt.aml", "DSDT", 1, "VX86  ", "VX86PC  ", 1)
{
    // First address of the PCI memory hole. acpi.c finds this name and replaces the value.
    Name (PMIN, 0x80000000)

    // Interrupt model that the system chose: 0 PIC, 1 APIC. PCI interrupts go through the PIIX3's routers in both, because
    // the I/O APIC's pins 0..15 are the ISA lines.
    Name (PICM, 0)
    Method (\_PIC, 1) { PICM = Arg0 }

    // SUS_TYP of the PIIX4 for power-off is 0.
    Name (\_S5, Package (4) { 0, 0, 0, 0 })

    Scope (\_PR)
    {
        Processor (CPU0, 0, 0, 0) {}
    }

    Scope (\_SB)
    {
        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A03"))
            Name (_UID, 0)

            // PCI interrupt pins to the PIIX3's routers: router = (pin + slot - 1) mod 4. In slot 1 pin A belongs to the
            // PIIX4's power management, which is tied to the SCI.
            Method (_PRT, 0, Serialized)
            {
                Local0 = Package (128) {}
                Local1 = 0
                While (Local1 < 128)
                {
                    Local2 = Local1 >> 2 // slot; the pin is in the low two bits
                    Switch ((Local1 + Local2 + 3) & 3)
                    {
                        Case (0) { Local3 = Package (4) { 0, 0, LNKA, 0 } }
                        Case (1) { Local3 = Package (4) { 0, 0, LNKB, 0 } }
                        Case (2) { Local3 = Package (4) { 0, 0, LNKC, 0 } }
                        Default  { Local3 = Package (4) { 0, 0, LNKD, 0 } }
                    }
                    If (Local1 == 4) { Local3 = Package (4) { 0, 0, LNKS, 0 } }
                    Local3[0] = (Local2 << 16) | 0xFFFF
                    Local3[1] = Local1 & 3
                    Local0[Local1] = Local3
                    Local1++
                }
                Return (Local0)
            }

            Name (WIND, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode, 0, 0x0000, 0x00FF, 0, 0x0100)
                IO (Decode16, 0x0CF8, 0x0CF8, 1, 8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0, 0x0000, 0x0CF7, 0, 0x0CF8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0, 0x0D00, 0xFFFF, 0, 0xF300)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite,
                    0, 0x000A0000, 0x000BFFFF, 0, 0x00020000)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                    0, 0x80000000, 0xFEBFFFFF, 0, 0x7EC00000, , , HOLE)
            })
            Method (_CRS, 0, Serialized)
            {
                CreateDWordField (WIND, ^HOLE._MIN, HMIN)
                CreateDWordField (WIND, ^HOLE._LEN, HLEN)
                HMIN = PMIN
                HLEN = 0xFEC00000 - PMIN
                Return (WIND)
            }

            Device (ISA)
            {
                Name (_ADR, 0x00010000)
                OperationRegion (RTR, PCI_Config, 0x60, 4)
                Field (RTR, ByteAcc, NoLock, Preserve)
                {
                    RTA, 8,
                    RTB, 8,
                    RTC, 8,
                    RTD, 8
                }

                Device (RTC0)
                {
                    Name (_HID, EisaId ("PNP0B00"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x70, 0x70, 1, 2)
                        IRQNoFlags () { 8 }
                    })
                }
                Device (TMR)
                {
                    Name (_HID, EisaId ("PNP0100"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x40, 0x40, 1, 4)
                        IRQNoFlags () { 0 }
                    })
                }
                Device (PIC)
                {
                    Name (_HID, EisaId ("PNP0000"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x20, 0x20, 1, 2)
                        IO (Decode16, 0xA0, 0xA0, 1, 2)
                        IO (Decode16, 0x4D0, 0x4D0, 1, 2)
                        IRQNoFlags () { 2 }
                    })
                }
                Device (SPKR)
                {
                    Name (_HID, EisaId ("PNP0800"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x61, 0x61, 1, 1)
                    })
                }
                Device (FPU)
                {
                    Name (_HID, EisaId ("PNP0C04"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0xF0, 0xF0, 1, 16)
                        IRQNoFlags () { 13 }
                    })
                }
                Device (KBD)
                {
                    Name (_HID, EisaId ("PNP0303"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x60, 0x60, 1, 1)
                        IO (Decode16, 0x64, 0x64, 1, 1)
                        IRQNoFlags () { 1 }
                    })
                }
                Device (MOU)
                {
                    Name (_HID, EisaId ("PNP0F13"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IRQNoFlags () { 12 }
                    })
                }
                Device (COM1)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 1)
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x3F8, 0x3F8, 0, 8)
                        IRQNoFlags () { 4 }
                    })
                }
                Device (COM2)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 2)
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x2F8, 0x2F8, 0, 8)
                        IRQNoFlags () { 3 }
                    })
                }

                // What no driver may be given: PIIX4 power management, its events and SMBus, APM ports, local and I/O APIC.
                Device (MISC)
                {
                    Name (_HID, EisaId ("PNP0C02"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x600, 0x600, 1, 0x40)
                        IO (Decode16, 0x700, 0x700, 1, 0x10)
                        IO (Decode16, 0xB2, 0xB2, 1, 2)
                        IO (Decode16, 0xAFE0, 0xAFE0, 1, 4)
                        Memory32Fixed (ReadWrite, 0xFEC00000, 0x1000)
                        Memory32Fixed (ReadWrite, 0xFEE00000, 0x1000)
                    })
                }
                Device (FWCF)
                {
                    Name (_HID, "QEMU0002")
                    Name (_STA, 0x0B)
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x510, 0x510, 1, 0x0C)
                    })
                }
            }

            Device (IDE)
            {
                Name (_ADR, 0x00010001)
            }
            Device (HPET)
            {
                Name (_HID, EisaId ("PNP0103"))
                Name (_CRS, ResourceTemplate ()
                {
                    Memory32Fixed (ReadOnly, 0xFED00000, 0x400)
                })
            }
            Device (VGA)
            {
                Name (_ADR, 0x00020000)
            }
        }

        // A PIIX3 router register: bit 7 set means not routed, bits 3..0 the ISA interrupt.
        Method (LSTA, 1) { If (Arg0 & 0x80) { Return (0x09) } Return (0x0B) }
        Name (LRES, ResourceTemplate ()
        {
            Interrupt (ResourceConsumer, Level, ActiveHigh, Shared, , , CURR) { 0 }
        })
        Method (LCRS, 1, Serialized)
        {
            CreateDWordField (LRES, ^CURR._INT, LINT)
            LINT = 0
            If (!(Arg0 & 0x80)) { LINT = Arg0 & 0x0F }
            Return (LRES)
        }
        // The interrupt that a _SRS buffer asks for.
        Method (LNUM, 1, Serialized)
        {
            CreateDWordField (Arg0, 5, WANT)
            Return (WANT)
        }
        Name (LPRS, ResourceTemplate ()
        {
            Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
        })

        Device (LNKA)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 0)
            Method (_STA, 0) { Return (LSTA (^^PCI0.ISA.RTA)) }
            Method (_PRS, 0) { Return (LPRS) }
            Method (_CRS, 0) { Return (LCRS (^^PCI0.ISA.RTA)) }
            Method (_DIS, 0) { ^^PCI0.ISA.RTA = ^^PCI0.ISA.RTA | 0x80 }
            Method (_SRS, 1) { ^^PCI0.ISA.RTA = LNUM (Arg0) }
        }
        Device (LNKB)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 1)
            Method (_STA, 0) { Return (LSTA (^^PCI0.ISA.RTB)) }
            Method (_PRS, 0) { Return (LPRS) }
            Method (_CRS, 0) { Return (LCRS (^^PCI0.ISA.RTB)) }
            Method (_DIS, 0) { ^^PCI0.ISA.RTB = ^^PCI0.ISA.RTB | 0x80 }
            Method (_SRS, 1) { ^^PCI0.ISA.RTB = LNUM (Arg0) }
        }
        Device (LNKC)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 2)
            Method (_STA, 0) { Return (LSTA (^^PCI0.ISA.RTC)) }
            Method (_PRS, 0) { Return (LPRS) }
            Method (_CRS, 0) { Return (LCRS (^^PCI0.ISA.RTC)) }
            Method (_DIS, 0) { ^^PCI0.ISA.RTC = ^^PCI0.ISA.RTC | 0x80 }
            Method (_SRS, 1) { ^^PCI0.ISA.RTC = LNUM (Arg0) }
        }
        Device (LNKD)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 3)
            Method (_STA, 0) { Return (LSTA (^^PCI0.ISA.RTD)) }
            Method (_PRS, 0) { Return (LPRS) }
            Method (_CRS, 0) { Return (LCRS (^^PCI0.ISA.RTD)) }
            Method (_DIS, 0) { ^^PCI0.ISA.RTD = ^^PCI0.ISA.RTD | 0x80 }
            Method (_SRS, 1) { ^^PCI0.ISA.RTD = LNUM (Arg0) }
        }

        // The SCI, fixed.
        Device (LNKS)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 4)
            Name (_STA, 0x0B)
            Name (SRES, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 9 }
            })
            Method (_PRS, 0) { Return (SRES) }
            Method (_CRS, 0) { Return (SRES) }
            Method (_DIS, 0) {}
            Method (_SRS, 1) {}
        }
    }
}
