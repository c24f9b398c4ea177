//! Comparison of two sides, measured alternately in short rounds, so that other load on the machine affects both.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tokio::task::JoinSet;

use crate::cpu;
use crate::median::median;

/// The number and duration of the rounds.
#[derive(Clone, Copy)]
pub struct Effort {
    pub rounds: usize,
    pub round: Duration,
}

/// Performs one request with a client and returns the client.
pub type Act<C> = fn(C) -> BoxFuture<'static, anyhow::Result<C>>;

/// One side of a comparison: clients that repeat a request, and the processes that serve them.
pub struct Side<C> {
    pub clients: Vec<C>,
    pub act: Act<C>,
    /// The process under test.
    pub own: u32,
    /// All processes that take part, including the one under test.
    pub all: Vec<u32>,
}

/// The cost of one request in microseconds, as the median of the rounds.
#[derive(Clone, Copy)]
pub struct Cost {
    /// CPU time of the process under test.
    pub own: f64,
    /// CPU time of all processes.
    pub all: f64,
    /// Median time from sending the request to the end of the response.
    pub latency: f64,
    /// Elapsed time divided by the number of requests.
    pub wall: f64,
}

/// Measures both sides alternately.
pub async fn compare<A, B>(effort: Effort, mut ours: Side<A>, mut base: Side<B>) -> anyhow::Result<(Cost, Cost)>
where
    A: Send + 'static,
    B: Send + 'static,
{
    let warm_up = effort.round / 4;
    round(&mut ours, warm_up).await?;
    round(&mut base, warm_up).await?;
    let mut our_costs = Vec::new();
    let mut base_costs = Vec::new();
    for _ in 0..effort.rounds {
        our_costs.push(round(&mut ours, effort.round).await?);
        base_costs.push(round(&mut base, effort.round).await?);
    }
    Ok((median_cost(&our_costs), median_cost(&base_costs)))
}

fn median_cost(rounds: &[Cost]) -> Cost {
    let of = |part: fn(&Cost) -> f64| median(rounds.iter().map(part).collect());
    Cost {
        own: of(|cost| cost.own),
        all: of(|cost| cost.all),
        latency: of(|cost| cost.latency),
        wall: of(|cost| cost.wall),
    }
}

async fn round<C: Send + 'static>(side: &mut Side<C>, duration: Duration) -> anyhow::Result<Cost> {
    let used = |pids: &[u32]| pids.iter().map(|pid| cpu::of(*pid)).sum::<anyhow::Result<Duration>>();
    let own = cpu::of(side.own)?;
    let all = used(&side.all)?;
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for mut client in side.clients.drain(..) {
        let act = side.act;
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            while latencies.is_empty() || start.elapsed() < duration {
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
