//! Whether a request is sent again, and after which wait.

use std::time::Duration;

use oktant_base::Entropy;

use super::{Error, Repeat};

/// Attempts at a request that fails at the target or on the way.
const TRIES_MAX: u32 = 5;

/// Attempts at a request that is throttled.
///
/// # Source
///
/// Okta gives up a throttled task after ten attempts.
const THROTTLED_TRIES_MAX: u32 = 10;

const BACKOFF_FIRST: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_mins(1);

/// Longest wait that a target may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(5);

/// The attempts made at one request.
#[derive(Debug, Default)]
pub(super) struct Tries {
    failed: u32,
    throttled: u32,
}

/// What follows a failed attempt.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    GiveUp,
    /// The whole endpoint waits.
    Pause(Duration),
    /// This request waits.
    Again(Duration),
}

impl Tries {
    pub(super) fn made(&self) -> u32 {
        self.failed + self.throttled
    }

    /// Counts a failed attempt and says what follows.
    pub(super) fn judge(&mut self, error: &Error, repeat: Repeat, entropy: &dyn Entropy) -> Verdict {
        if let Error::Throttled { retry_after, .. } = error {
            self.throttled += 1;
            let wait = retry_after.unwrap_or_else(|| backoff(self.throttled, entropy));
            let give_up = self.throttled >= THROTTLED_TRIES_MAX || wait > RETRY_AFTER_MAX;
            return if give_up { Verdict::GiveUp } else { Verdict::Pause(wait) };
        }
        self.failed += 1;
        if self.failed >= TRIES_MAX || !error.may_repeat(repeat) {
            return Verdict::GiveUp;
        }
        match error {
            Error::Failed { retry_after: Some(wait), .. } if *wait > RETRY_AFTER_MAX => Verdict::GiveUp,
            Error::Failed { retry_after: Some(wait), .. } => Verdict::Again(*wait),
            _ => Verdict::Again(backoff(self.failed, entropy)),
        }
    }
}

/// The wait before attempt `tries` + 1: doubling from a second to a minute, less up to a half by chance.
pub(crate) fn backoff(tries: u32, entropy: &dyn Entropy) -> Duration {
    let full = BACKOFF_FIRST.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(BACKOFF_MAX);
    full.mul_f64(1.0 - entropy.unit() / 2.0)
}

#[cfg(test)]
mod tests {
    use oktant_base::SeededEntropy;

    use super::*;

    fn failed(status: u16) -> Error {
        let (method, path, detail) = ("POST".to_owned(), "/Users".to_owned(), String::new());
        Error::Failed { method, path, status, detail, retry_after: None, tries: 1 }
    }

    fn throttled(retry_after: Option<u64>) -> Error {
        let (method, path) = ("POST".to_owned(), "/Users".to_owned());
        Error::Throttled { method, path, retry_after: retry_after.map(Duration::from_secs), tries: 1 }
    }

    #[test]
    fn what_may_have_been_done_is_not_repeated_blindly() {
        let entropy = SeededEntropy::new(1);
        let judge = |error: &Error, repeat| Tries::default().judge(error, repeat, &entropy);
        assert_eq!(judge(&failed(500), Repeat::Unsent), Verdict::GiveUp);
        assert!(matches!(judge(&failed(500), Repeat::Safe), Verdict::Again(_)));
        assert_eq!(judge(&failed(501), Repeat::Safe), Verdict::GiveUp);
        assert_eq!(judge(&throttled(Some(3)), Repeat::Unsent), Verdict::Pause(Duration::from_secs(3)));
        assert_eq!(judge(&throttled(Some(3_000)), Repeat::Safe), Verdict::GiveUp);
    }

    #[test]
    fn attempts_and_waits_have_an_end() {
        let entropy = SeededEntropy::new(1);
        let mut tries = Tries::default();
        let made = (1..99).find(|_| tries.judge(&failed(503), Repeat::Safe, &entropy) == Verdict::GiveUp);
        assert_eq!((made, tries.made()), (Some(5), 5));
        let mut tries = Tries::default();
        let made = (1..99).find(|_| tries.judge(&throttled(None), Repeat::Safe, &entropy) == Verdict::GiveUp);
        assert_eq!(made, Some(10));
        for tries in 1..40 {
            let wait = backoff(tries, &entropy);
            assert!(wait >= Duration::from_millis(500) && wait <= BACKOFF_MAX, "{wait:?}");
        }
    }
}
