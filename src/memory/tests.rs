//! Who gets memory, who waits, and who is sent away.

use futures::FutureExt as _;

use super::*;

const KIB: usize = 1024;

/// A budget whose part for work has 1,200 KiB, with little patience.
fn budget() -> Memory {
    Memory::with_patience(1600 * KIB, 100 * KIB, Duration::from_millis(20))
}

#[tokio::test]
async fn what_is_let_go_is_there_for_others() {
    let memory = budget();
    let (first, second) = (memory.call("a"), memory.call("b"));
    first.hold(1000 * KIB).await.unwrap();
    assert_eq!(second.hold(300 * KIB).await, Err(Refused::Busy), "after a bounded wait");
    first.shrink_to(900 * KIB);
    second.hold(300 * KIB).await.unwrap();
    let waiting = first.hold(901 * KIB);
    let letting_go = async { drop(second) };
    assert_eq!(tokio::join!(waiting, letting_go).0, Ok(()));
    assert_eq!(first.held(), 901 * KIB);
    drop(first);
    assert_eq!(
        memory.call("c").hold(1200 * KIB).await,
        Ok(()),
        "all of it is free again"
    );
}

#[tokio::test]
async fn a_call_holds_as_much_as_it_asked_for_at_most_once() {
    let memory = budget();
    let call = memory.call("a");
    for wanted in [100, 700, 300] {
        call.hold(wanted * KIB).await.unwrap();
    }
    assert_eq!(call.held(), 700 * KIB);
    call.hold_more(100 * KIB).await.unwrap();
    assert_eq!(call.clone().held(), 800 * KIB);
    call.shrink_to(SMALL);
    assert_eq!(call.held(), 0, "what is small is not counted");
}

#[tokio::test]
async fn small_calls_wait_for_nobody_and_impossible_ones_are_told_so() {
    let memory = budget();
    let all = memory.call("a");
    all.hold(1200 * KIB).await.unwrap();
    assert_eq!(memory.call("b").hold(SMALL).now_or_never(), Some(Ok(())));
    let impossible = Refused::TooLarge {
        wanted: 1201 * KIB,
        most: 1200 * KIB,
    };
    assert_eq!(all.hold(1201 * KIB).now_or_never(), Some(Err(impossible)));
    assert!(
        memory
            .arriving(SMALL, true)
            .now_or_never()
            .is_some_and(|taken| taken.is_ok()),
        "bodies have memory of their own"
    );
}

#[tokio::test]
async fn slow_large_bodies_keep_neither_small_ones_out_nor_all_large_ones() {
    let memory = budget();
    let large = memory.try_large(200 * KIB).unwrap();
    assert!(memory.try_large(65 * KIB).is_none());
    assert!(
        memory
            .arriving(SMALL, true)
            .now_or_never()
            .is_some_and(|taken| taken.is_ok())
    );
    let last = memory.last_resort(100 * KIB).await.unwrap();
    assert_eq!(
        memory.last_resort(65 * KIB).await.err(),
        Some(Refused::Busy),
        "one after the other"
    );
    drop(last);
    assert!(
        memory
            .last_resort(65 * KIB)
            .now_or_never()
            .is_some_and(|taken| taken.is_ok())
    );
    drop(large);
    assert!(memory.try_large(65 * KIB).is_some());
}

#[tokio::test]
async fn unproved_requests_have_memory_of_their_own() {
    let memory = budget();
    let stranger = memory.unproved_call();
    assert_eq!(
        stranger.hold(101 * KIB).await,
        Err(Refused::TooLarge {
            wanted: 101 * KIB,
            most: 100 * KIB
        })
    );
    stranger.hold(100 * KIB).await.unwrap();
    assert_eq!(memory.unproved_call().hold(65 * KIB).await, Err(Refused::Busy));
    memory.call("user").hold(1200 * KIB).await.unwrap();
}

#[tokio::test]
async fn callers_take_turns() {
    let memory = Memory::new(1600 * KIB, 100 * KIB);
    let all = memory.call("first");
    all.hold(1200 * KIB).await.unwrap();
    let order = std::sync::Mutex::new(Vec::new());
    let one = |caller: &'static str| {
        let call = memory.call(caller);
        let order = &order;
        async move {
            call.hold(1200 * KIB).await.unwrap();
            order.lock().unwrap().push(caller);
        }
    };
    // Their lines are not the same one. The greedy caller is first with all of its calls, and the quiet one comes right behind its first.
    let greedy = futures::future::join_all((0..5).map(|_| one("greedy")));
    tokio::join!(greedy, one("quiet"), async { drop(all) });
    assert_eq!(
        *order.lock().unwrap(),
        ["greedy", "quiet", "greedy", "greedy", "greedy", "greedy"]
    );
}
