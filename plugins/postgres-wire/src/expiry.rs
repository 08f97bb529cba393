//! When an account's password expires: a point in time as the server writes it with `datestyle` ISO and
//! `timezone` UTC, in which the order of the texts is that of the times.

/// Whether an account that expires at `wanted` lives longer than at `now`; `None` is never. Two that
/// can't be compared, such as years of four and of five digits, are taken for longer.
pub fn is_longer(wanted: Option<&str>, now: Option<&str>) -> bool {
    match (wanted, now) {
        (wanted, now) if wanted == now => false,
        (Some(wanted), Some(now)) => !is_comparable(wanted) || !is_comparable(now) || wanted > now,
        (None, _) => true,
        (Some(_), None) => false,
    }
}

/// Whether it begins with a year of four digits, after Christ.
fn is_comparable(time: &str) -> bool {
    let year: Vec<u8> = time.bytes().take_while(u8::is_ascii_digit).collect();
    year.len() == 4 && !time.ends_with("BC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_earlier_end_is_no_longer_life() {
        for (now, wanted, longer) in [
            (Some("2030-01-01 00:00:00+00"), None, true),
            (Some("2030-01-01 00:00:00+00"), Some("2030-01-01 00:00:00.5+00"), true),
            (Some("9999-01-01 00:00:00+00"), Some("10000-01-01 00:00:00+00"), true),
            (Some("10000-01-01 00:00:00+00"), Some("9999-01-01 00:00:00+00"), true),
            (Some("-infinity"), Some("2030-01-01 00:00:00+00"), true),
            (Some("0044-03-15 00:00:00+00 BC"), Some("0043-03-15 00:00:00+00 BC"), true),
            (None, Some("2030-01-01 00:00:00+00"), false),
            (None, None, false),
            (Some("2031-01-01 00:00:00+00"), Some("2030-01-01 00:00:00+00"), false),
            (Some("2030-01-01 00:00:00+00"), Some("2030-01-01 00:00:00+00"), false),
        ] {
            assert_eq!(is_longer(wanted, now), longer, "{now:?} {wanted:?}");
        }
    }
}
