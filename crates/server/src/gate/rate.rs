//! Rate limits: how many requests a key may make in a fixed window. One table per limit, bounded.
//!
//! Must not know who a key is: tokens come as digests, addresses as [`AddressKey`]. Time is passed in.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Part of an address that one client is taken to hold: all of IPv4, the first 64 bits of IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressKey(u64);

impl From<IpAddr> for AddressKey {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self(u64::from(v4.to_bits())),
            // The lower half of IPv6 addresses is free to whoever has the upper; `| 1 << 63` cannot
            // collide with IPv4, which has 32 bits.
            IpAddr::V6(v6) => Self(u64::try_from(v6.to_bits() >> 64).unwrap_or(0) | 1 << 63),
        }
    }
}

/// A digest of a bearer secret; the secret itself is kept nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenKey(pub [u8; 16]);

#[derive(Debug)]
struct Window {
    start: Instant,
    count: u32,
}

/// A key has used up its window; it may come again after so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    /// Whole seconds until the window ends, at least 1.
    pub retry_after_s: u64,
}

/// The windows of one limit.
#[derive(Debug)]
pub struct RateTable<K> {
    max: u32,
    length: Duration,
    entries_max: usize,
    windows: Mutex<HashMap<K, Window>>,
}

impl<K: Eq + Hash + Copy> RateTable<K> {
    /// At most `max` in each window of this length, for at most `entries_max` keys at once.
    #[must_use]
    pub fn new(max: u32, length: Duration, entries_max: usize) -> Self {
        Self { max, length, entries_max, windows: Mutex::new(HashMap::new()) }
    }

    /// Counts one and says whether it is still allowed.
    ///
    /// # Errors
    /// [`Exceeded`] when the window is used up; the attempt is not counted again.
    pub fn take(&self, key: K, now: Instant) -> Result<(), Exceeded> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if !windows.contains_key(&key) && windows.len() >= self.entries_max {
            self.make_room(&mut windows, now);
        }
        let window = windows.entry(key).or_insert(Window { start: now, count: 0 });
        if now.duration_since(window.start) >= self.length {
            *window = Window { start: now, count: 0 };
        }
        if window.count >= self.max {
            return Err(self.exceeded(window, now));
        }
        window.count += 1;
        Ok(())
    }

    /// Says whether the window of this key is used up, without counting.
    ///
    /// # Errors
    /// [`Exceeded`] when it is.
    pub fn check(&self, key: K, now: Instant) -> Result<(), Exceeded> {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        match windows.get(&key) {
            Some(w) if w.count >= self.max && now.duration_since(w.start) < self.length => Err(self.exceeded(w, now)),
            _ => Ok(()),
        }
    }

    fn exceeded(&self, window: &Window, now: Instant) -> Exceeded {
        let left = self.length.saturating_sub(now.duration_since(window.start));
        Exceeded { retry_after_s: left.as_secs() + 1 }
    }

    /// Drops windows that are over; when none is, the older half, so that a flood of new keys costs
    /// one pass for many entries.
    fn make_room(&self, windows: &mut HashMap<K, Window>, now: Instant) {
        windows.retain(|_, w| now.duration_since(w.start) < self.length);
        if windows.len() < self.entries_max {
            return;
        }
        let mut starts: Vec<Instant> = windows.values().map(|w| w.start).collect();
        let middle = starts.len() / 2;
        let (_, median, _) = starts.select_nth_unstable(middle);
        let median = *median;
        windows.retain(|_, w| w.start > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_fills_and_ends() {
        let table = RateTable::new(2, Duration::from_secs(60), 10);
        let start = Instant::now();
        assert!(table.take(1, start).is_ok() && table.take(1, start).is_ok());
        let refused = table.take(1, start + Duration::from_secs(30)).unwrap_err();
        assert_eq!(refused.retry_after_s, 31);
        assert!(table.check(1, start).is_err() && table.check(2, start).is_ok());
        assert!(table.take(2, start).is_ok());
        assert!(table.take(1, start + Duration::from_secs(60)).is_ok());
    }

    #[test]
    fn the_table_stays_bounded() {
        let table = RateTable::new(1, Duration::from_secs(60), 100);
        let start = Instant::now();
        for key in 0..10_000_u64 {
            let _ = table.take(key, start + Duration::from_millis(key));
        }
        assert!(table.windows.lock().unwrap().len() <= 100);
        assert!(table.check(9_999, start + Duration::from_millis(9_999)).is_err());
    }

    #[test]
    fn addresses_of_one_network_share_a_key_and_families_do_not_collide() {
        let key = |text: &str| AddressKey::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:3::1"), key("2001:db8:1:2::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("::"), key("0.0.0.0"));
    }
}
