//! Two sides of a comparison, measured in short turns, so that what else happens on the machine happens to both.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tokio::task::JoinSet;

use crate::cpu;
use crate::median::median;

/// How long is measured.
#[derive(Clone, Copy)]
pub struct Effort {
    pub rounds: usize,
    pub round: Duration,
}

/// Does something once, and gives back what it did it with.
pub type Act<C> = fn(C) -> BoxFuture<'static, anyhow::Result<C>>;

/// One side: clients that repeat one act, and the processes that work for them.
pub struct Side<C> {
    pub clients: Vec<C>,
    pub act: Act<C>,
    /// The process whose CPU time is this side's own.
    pub own: u32,
    /// All processes that work, this one among them.
    pub all: Vec<u32>,
}

/// Medians over the rounds, of one request, in microseconds.
#[derive(Clone, Copy)]
pub struct Cost {
    /// CPU time of the process that is measured.
    pub own: f64,
    /// CPU time of all processes: what two busy cores are shared among.
    pub all: f64,
    /// Median from sending to the end of the answer.
    pub latency: f64,
    /// Time on the wall divided by the number of requests.
    pub wall: f64,
}

/// Measures both in turns.
pub async fn compare<A, B>(effort: Effort, mut ours: Side<A>, mut base: Side<B>) -> anyhow::Result<(Cost, Cost)>
where
    A: Send + 'static,
    B: Send + 'static,
{
    let warm_up = effort.round / 4;
    round(&mut ours, warm_up).await?;
    round(&mut base, warm_up).await?;
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds {
        a.push(round(&mut ours, effort.round).await?);
        b.push(round(&mut base, effort.round).await?);
    }
    Ok((middle(&a), middle(&b)))
}

fn middle(rounds: &[Cost]) -> Cost {
    let of = |part: fn(&Cost) -> f64| median(rounds.iter().map(part).collect());
    Cost {
        own: of(|cost| cost.own),
        all: of(|cost| cost.all),
        latency: of(|cost| cost.latency),
        wall: of(|cost| cost.wall),
    }
}

async fn round<C: Send + 'static>(side: &mut Side<C>, long: Duration) -> anyhow::Result<Cost> {
    let used = |pids: &[u32]| pids.iter().map(|pid| cpu::of(*pid)).sum::<anyhow::Result<Duration>>();
    let (own, all, start) = (cpu::of(side.own)?, used(&side.all)?, Instant::now());
    let mut tasks = JoinSet::new();
    for mut client in side.clients.drain(..) {
        let act = side.act;
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            while latencies.is_empty() || start.elapsed() < long {
                let sent = Instant::now();
                client = act(client).await?;
                latencies.push(sent.elapsed().as_secs_f64() * 1e6);
            }
            anyhow::Ok((client, latencies))
        });
    }
    let mut latencies = Vec::new();
    while let Some(done) = tasks.join_next().await {
        let (client, of_client) = done??;
        side.clients.push(client);
        latencies.extend(of_client);
    }
    let wall = start.elapsed();
    let requests = f64::from(u32::try_from(latencies.len())?);
    let each = |time: Duration| time.as_secs_f64() * 1e6 / requests;
    Ok(Cost {
        own: each(cpu::of(side.own)?.saturating_sub(own)),
        all: each(used(&side.all)?.saturating_sub(all)),
        latency: median(latencies),
        wall: each(wall),
    })
}
