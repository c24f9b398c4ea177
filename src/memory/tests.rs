//! Tests of reservations: immediate, waiting and failed ones.

use futures::FutureExt as _;

use super::*;

const KIB: usize = 1024;

/// A budget whose work pool has 1,200 KiB, with a short timeout.
fn budget() -> MemoryBudget {
    MemoryBudget::with_timeout(1600 * KIB, 100 * KIB, Duration::from_millis(20))
}

#[tokio::test]
async fn what_is_let_go_is_there_for_others() {
    let memory = budget();
    let first = memory.call("a");
    let second = memory.call("b");
    first.reserve(1000 * KIB).await.unwrap();
    assert_eq!(
        second.reserve(300 * KIB).await,
        Err(ReservationError::Exhausted),
        "after a bounded wait"
    );
    first.release_above(900 * KIB);
    second.reserve(300 * KIB).await.unwrap();
    let waiting = first.reserve(901 * KIB);
    let letting_go = async { drop(second) };
    assert_eq!(tokio::join!(waiting, letting_go).0, Ok(()));
    assert_eq!(first.bytes(), 901 * KIB);
    drop(first);
    assert_eq!(
        memory.call("c").reserve(1200 * KIB).await,
        Ok(()),
        "all of it is free again"
    );
}

#[tokio::test]
async fn a_call_holds_as_much_as_it_asked_for_at_most_once() {
    let memory = budget();
    let call = memory.call("a");
    for wanted in [100, 700, 300] {
        call.reserve(wanted * KIB).await.unwrap();
    }
    assert_eq!(call.bytes(), 700 * KIB);
    call.reserve_more(100 * KIB).await.unwrap();
    assert_eq!(call.clone().bytes(), 800 * KIB);
    call.release_above(MAX_SMALL_PAYLOAD);
    assert_eq!(call.bytes(), 0, "small payloads need no reservation");
}

#[tokio::test]
async fn small_calls_wait_for_nobody_and_impossible_ones_are_told_so() {
    let memory = budget();
    let all = memory.call("a");
    all.reserve(1200 * KIB).await.unwrap();
    assert_eq!(memory.call("b").reserve(MAX_SMALL_PAYLOAD).now_or_never(), Some(Ok(())));
    let impossible = ReservationError::TooLarge {
        requested: 1201 * KIB,
        limit: 1200 * KIB,
    };
    assert_eq!(all.reserve(1201 * KIB).now_or_never(), Some(Err(impossible)));
    assert!(
        memory
            .reserve_body(MAX_SMALL_PAYLOAD, true)
            .now_or_never()
            .is_some_and(|taken| taken.is_ok()),
        "bodies have a pool of their own"
    );
}

#[tokio::test]
async fn slow_large_bodies_keep_neither_small_ones_out_nor_all_large_ones() {
    let memory = budget();
    let large = memory.try_reserve_large_body(200 * KIB).unwrap();
    assert!(memory.try_reserve_large_body(65 * KIB).is_none());
    assert!(
        memory
            .reserve_body(MAX_SMALL_PAYLOAD, true)
            .now_or_never()
            .is_some_and(|taken| taken.is_ok())
    );
    let last = memory.reserve_overflow(100 * KIB).await.unwrap();
    assert_eq!(
        memory.reserve_overflow(65 * KIB).await.err(),
        Some(ReservationError::Exhausted),
        "one after the other"
    );
    drop(last);
    assert!(
        memory
            .reserve_overflow(65 * KIB)
            .now_or_never()
            .is_some_and(|taken| taken.is_ok())
    );
    drop(large);
    assert!(memory.try_reserve_large_body(65 * KIB).is_some());
}

#[tokio::test]
async fn unproved_requests_have_memory_of_their_own() {
    let memory = budget();
    let stranger = memory.unauthenticated_call();
    assert_eq!(
        stranger.reserve(101 * KIB).await,
        Err(ReservationError::TooLarge {
            requested: 101 * KIB,
            limit: 100 * KIB
        })
    );
    stranger.reserve(100 * KIB).await.unwrap();
    assert_eq!(
        memory.unauthenticated_call().reserve(65 * KIB).await,
        Err(ReservationError::Exhausted)
    );
    memory.call("user").reserve(1200 * KIB).await.unwrap();
}

#[tokio::test]
async fn callers_take_turns() {
    let memory = MemoryBudget::new(1600 * KIB, 100 * KIB);
    let all = memory.call("first");
    all.reserve(1200 * KIB).await.unwrap();
    let order = std::sync::Mutex::new(Vec::new());
    let one = |caller: &'static str| {
        let call = memory.call(caller);
        let order = &order;
        async move {
            call.reserve(1200 * KIB).await.unwrap();
            order.lock().unwrap().push(caller);
        }
    };
    // The two callers have different queues. The greedy caller makes all of its calls first, and the quiet one comes right
    // behind the first of them.
    let greedy = futures::future::join_all((0..5).map(|_| one("greedy")));
    tokio::join!(greedy, one("quiet"), async { drop(all) });
    assert_eq!(
        *order.lock().unwrap(),
        ["greedy", "quiet", "greedy", "greedy", "greedy", "greedy"]
    );
}
