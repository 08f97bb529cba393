//! What a rotation asks of others: calls of Secrets Manager, connections and round trips of the
//! database, counted on the wire. These do not depend on the machine.

use std::time::Duration;

use anyhow::{Result, bail};
use windlass_harness::{Fault, FunctionOptions, Proxy, Stack};

use super::figures::{Figure, Goal, Table, Unit};
use super::rotation::{Strategy, Subject, rotate};

/// Each way between function and Secrets Manager: far more than the function's own work between
/// two calls that it makes at once.
const DELAY: Duration = Duration::from_millis(10);

/// Counts one rotation, after one that makes the alternating user.
pub(super) async fn measure(stack: &Stack, strategy: Strategy, table: &mut Table) -> Result<()> {
    let proxy = Proxy::start(stack.postgres().address()).await?;
    let subject = Subject::create(stack, strategy, proxy.port()).await?;
    let far = Proxy::start(stack.secrets().address()?).await?;
    far.fail_all(Fault::Delay { each: DELAY });
    let options = FunctionOptions {
        secrets_manager: format!("http://127.0.0.1:{}", far.port()),
        ..stack.function_options()
    };
    let _function = stack.start_function_with("counted", &options)?;
    rotate(stack, &subject).await?;

    proxy.reset();
    stack.local().reset_calls().await?;
    let before = stack.postgres().log()?;
    rotate(stack, &subject).await?;
    let seen = stack.postgres().log()?.since(&before);
    let calls = stack.local().calls().await?.without("RotateSecret");
    let traffic = proxy.traffic();
    if seen.connections() != traffic.len() {
        bail!("the proxy saw {} connections, the server {}", traffic.len(), seen.connections());
    }

    let (waves_goal, connections_goal) = match strategy {
        Strategy::SingleUser => (Goal::AtMost(6.0), Goal::AtMost(2.0)),
        Strategy::AlternatingUsers => (Goal::AtMost(7.0), Goal::AtMost(3.0)),
    };
    let round_trips = traffic.iter().map(|one| one.round_trips() as usize).sum();
    let bytes = traffic.iter().map(|one| one.to_client + one.to_server).sum::<u64>();
    table.add(
        strategy.title(),
        [
            Figure::count("Secrets Manager calls", calls.calls.len()),
            Figure::count("Secrets Manager calls, one after the other", calls.waves_behind(DELAY))
                .goal(waves_goal)
                .aws(14.0),
            Figure::count("database connections", traffic.len()).goal(connections_goal).aws(4.0),
            Figure::count("database round trips", round_trips),
            Figure::exact("database traffic", Unit::Kilobytes, bytes as f64 / 1e3),
            Figure::count("refused sign-ins", seen.refused_sign_ins()).goal(Goal::AtMost(0.0)),
        ],
    );
    Ok(())
}
