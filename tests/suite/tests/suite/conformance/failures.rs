//! What may stand between the function and any server: the error names it, and nothing is changed.
//! Everything else that a network can do is in `network`.

use anyhow::{Context, Result};
use serde_json::Value;
use windlass_harness::Peer;
use windlass_suite::{Database, Options, Server, World};

pub(super) async fn whatever_stops_it_on_the_way_is_named_and_nothing_is_changed(
    server: Server,
) -> Result<()> {
    let stranger = Database::shared().await?.stranger()?;
    let ca_bundle = Some(stranger.certificate().to_owned());
    let world = World::with(Options::by_hand()).await?;
    let trusting_nobody = World::with(Options { ca_bundle, ..Options::by_hand() }).await?;
    let login = server.account("on_the_way").await?;
    let admin = server.superuser();
    let nobody = Peer::nobody().await?;
    let (unreachable, tls) = ("Windlass.Service.Unreachable", "Windlass.Service.TlsFailed");
    // Each by the user itself, and with an administrator between.
    for led in [false, true] {
        for (what, world, port, kind, part) in [
            ("closed", &world, nobody, unreachable, "refused"),
            ("untrusted", &trusting_nobody, server.port(), tls, "certificate"),
        ] {
            let secret = format!("way/{what}-{led}");
            let mut value = server.secret_at(&login, port);
            if led {
                let name = format!("{secret}/admin");
                let arn = world.create_admin_secret_of(&server, &name, port).await?;
                value["masterarn"] = Value::from(arn);
            }
            world.create_secret(&secret, &value).await?;
            let token = world.begin(&secret).await?;
            world.steps(&["createSecret"], &secret, &token).await?;
            let labels = world.labels(&secret).await?;
            let error = world.failure("setSecret", &secret, &token).await.context(what)?;
            assert_eq!(error.kind, kind, "{what}: {}", error.message);
            for part in [part, &format!("localhost:{port}")] {
                assert!(error.message.contains(part), "{what}: {}", error.message);
            }
            let pending = world.pending(&secret).await?;
            for password in [&login.password, &pending.password, &admin.password] {
                assert!(!error.message.contains(password.as_str()), "{}", error.message);
            }
            assert_eq!(world.labels(&secret).await?, labels, "{what}: labels moved");
        }
    }
    assert!(login.signs_in(&server).await?, "the password was changed");
    assert_eq!(server.refused_sign_ins("on_the_way")?, 0);
    assert_eq!(server.count("on_the_way_clone").await?, 0, "an account was made");
    Ok(())
}
