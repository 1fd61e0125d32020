//! Keeps a panic, which is a defect of ours, from taking more down than what it happened in.
//!
//! Must not hide one: whoever gets `None` logs it.

use std::panic::AssertUnwindSafe;
use std::task::Poll;

/// What a future gives, or `None` when it panicked.
pub async fn caught<F: Future>(future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let polled =
        std::future::poll_fn(move |cx| match std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Some(value)),
            Err(_) => Poll::Ready(None),
        });
    polled.await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_none() {
        assert_eq!(caught(async { 7 }).await, Some(7));
        let broken = caught(async {
            tokio::task::yield_now().await;
            panic!("on purpose");
        });
        assert_eq!(broken.await, None::<()>);
    }
}
