//! Random figures that depend only on their place.

/// The tables, by number.
#[derive(Clone, Copy)]
pub(super) enum Table {
    Users = 1,
    Products,
    Orders,
    Shipments,
    Events,
    Fx,
    Reviews,
}

pub(super) fn mix(z: u64) -> u64 {
    let z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Table {
    /// Returns a field of a row as 64 random bits, independent of all other fields.
    pub(super) fn bits(self, row: u64, field: u64) -> u64 {
        let table = mix(self as u64 * 0x0051_ED27 + 2026);
        mix(mix(table ^ row).wrapping_add(field.wrapping_mul(0xD6E8_FEB8_6659_FD93)))
    }

    /// A number below `n`, low ones more often: the density falls with the square root.
    pub(super) fn skewed(self, row: u64, field: u64, n: u64) -> u64 {
        skew(self.bits(row, field), n)
    }
}

pub(super) fn skew(bits: u64, n: u64) -> u64 {
    let u = bits >> 32;
    (((u * u) >> 32) * n) >> 32
}

/// One of the choices, all equally often.
pub(super) fn pick<T: Copy>(choices: &[T], bits: u64) -> T {
    choices[(bits % choices.len() as u64) as usize]
}
