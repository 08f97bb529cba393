//! What a rotation asks of others: calls of Secrets Manager, connections and round trips of the
//! database, counted on the wire. These do not depend on the machine.

use std::time::Duration;

use anyhow::{Result, bail};
use windlass_harness::{Fault, FunctionOptions, Proxy, Stack};
use windlass_suite::cost::{Errand, Strategy};

use super::figures::{Figure, Goal, Table, Unit};
use super::rotation::{Subject, WARM_UP, rotate};
use super::server::Server;

/// Each way between function and Secrets Manager: far more than the function's own work between
/// two calls that it makes at once.
const DELAY: Duration = Duration::from_millis(10);

/// Counts one rotation, after one that makes the alternating user and one that ends with the other
/// half: what is counted is what every later rotation costs.
pub(super) async fn measure(
    stack: &Stack,
    server: &Server,
    strategy: Strategy,
    table: &mut Table,
) -> Result<()> {
    let proxy = Proxy::start(server.address()).await?;
    let subject = Subject::create(stack, server, strategy, proxy.port()).await?;
    let far = Proxy::start(stack.secrets().address()?).await?;
    far.fail_all(Fault::Delay { each: DELAY });
    let options = FunctionOptions {
        secrets_manager: format!("http://127.0.0.1:{}", far.port()),
        ..stack.function_options()
    };
    let _function = stack.start_function_with("counted", &options)?;
    for _ in 0..WARM_UP {
        rotate(stack, &subject).await?;
    }

    proxy.all_closed().await?;
    proxy.reset();
    stack.local().reset_calls().await?;
    let before = server.seen()?;
    rotate(stack, &subject).await?;
    // What is said last may be on its way.
    let traffic = proxy.all_closed().await?;
    let seen = server.seen()?.since(before);
    let calls = stack.local().calls().await?.without("RotateSecret");
    if seen.connections != traffic.len() {
        bail!("the proxy saw {} connections, the server {}", traffic.len(), seen.connections);
    }

    let waves_goal = match strategy {
        Strategy::SingleUser => Goal::AtMost(6.0),
        Strategy::AlternatingUsers => Goal::AtMost(7.0),
    };
    let cost = server.engine.cost;
    let errands = (cost.errands)(strategy);
    let minimum = |errand: &Errand| cost.minimum(*errand);
    let round_trips = traffic.iter().map(|one| one.round_trips() as usize).sum();
    let bytes = traffic.iter().map(|one| one.to_client + one.to_server).sum::<u64>();
    let waves =
        Figure::count("Secrets Manager calls, one after the other", calls.waves_behind(DELAY));
    let connections = Figure::count("database connections", traffic.len())
        .goal(Goal::AtMost(errands.len() as f64))
        .minimum(errands.len(), None);
    let mut figures = vec![
        Figure::count("Secrets Manager calls", calls.calls.len()),
        subject.beside_aws(waves.goal(waves_goal), 14.0),
        subject.beside_aws(connections, 4.0),
        Figure::count("database round trips", round_trips)
            .minimum(errands.iter().map(minimum).sum(), None),
    ];
    // More connections than errands have missed their goal above, and are not distinguished.
    for (one, errand) in traffic.iter().zip(errands).filter(|_| traffic.len() == errands.len()) {
        figures.push(
            Figure::count(format!("  of them to {}", errand.name()), one.round_trips() as usize)
                .minimum(minimum(errand), Some(cost.beyond(*errand))),
        );
    }
    figures.extend([
        Figure::exact("database traffic", Unit::Kilobytes, bytes as f64 / 1e3),
        Figure::count("refused sign-ins", seen.refused).goal(Goal::AtMost(0.0)),
    ]);
    table.add(&subject.title(), figures);
    Ok(())
}
