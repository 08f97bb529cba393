//! A secret edited by hand between any two steps of its rotation: nobody is locked out, the edit is
//! not undone, what is refused says what to do, and doing that ends well.
//!
//! The texts are in `golden/edited.txt`.

use anyhow::{Context, Result};
use serde_json::Value;
use windlass_harness::FunctionError;
use windlass_suite::{Login, Options, STEPS, World, golden, made_up_password};

use crate::bad_input::{steady, tell};

/// What the operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edit {
    /// Stores another password, which the database never had.
    PasswordOnly,
    /// Stores another password, and sets it in the database.
    PasswordEverywhere,
    /// Stores another name of the same server.
    Host,
    /// Stores a key more.
    Key,
}

/// An account under rotation, and all passwords that it ever was to have.
struct Scene {
    world: World,
    secret: String,
    known: Vec<Login>,
}

impl Scene {
    async fn set(world: World, name: &str) -> Result<Self> {
        let first = world.database().account(name, "").await?;
        let secret = format!("edited/{name}");
        world.create_secret(&secret, &first.secret(world.database().postgres().port())).await?;
        Ok(Self { world, secret, known: vec![first] })
    }

    async fn edit(&mut self, edit: Edit) -> Result<()> {
        let Self { world, secret, known } = self;
        let mut value = world.secrets().secret(secret, "AWSCURRENT").await?;
        let password = made_up_password(&format!("by hand, {edit:?}"));
        let by_hand = Login::new(&known[0].username, password);
        match edit {
            Edit::PasswordOnly | Edit::PasswordEverywhere => {
                value["password"] = Value::from(by_hand.password.as_str());
            }
            Edit::Host => value["host"] = Value::from("127.0.0.1"),
            Edit::Key => value["application"] = Value::from("billing"),
        }
        if edit == Edit::PasswordEverywhere {
            let (name, password) =
                (Login::identifier(&by_hand.username), Login::literal(&by_hand.password));
            world.database().admin(&format!("ALTER ROLE {name} PASSWORD {password}")).await?;
        }
        world.put_current(secret, &value).await?;
        known.push(by_hand);
        Ok(())
    }

    /// The steps from the `from`-th on, and the whole rotation once more if one fails, as Secrets
    /// Manager does. What failed, by attempt.
    async fn run(&mut self, from: usize, token: &str) -> Result<Vec<FunctionError>> {
        let mut errors = Vec::new();
        'attempts: for from in [from, 0] {
            for step in STEPS.get(from..).context("no such step")? {
                let outcome = self.world.step(step, &self.secret, token).await?;
                self.assert_nobody_is_locked_out().await?;
                if let Some(error) = outcome.error() {
                    errors.push(error.clone());
                    continue 'attempts;
                }
            }
            break;
        }
        Ok(errors)
    }

    /// A whole rotation; where no password signs in, after doing what the message says.
    async fn follow(&self, token: &str, text: &mut String, case: &str) -> Result<()> {
        let Self { world, secret, .. } = self;
        world.steps(&STEPS[..1], secret, token).await?;
        if let Some(error) = world.step(STEPS[1], secret, token).await?.error().cloned() {
            let port = world.database().postgres().port().to_string();
            tell(text, &format!("{case}, rotated again"), &steady(error, &[(&port, "PORT")]))?;
            let current = world.current(secret).await?;
            let (name, password) =
                (Login::identifier(&current.username), Login::literal(&current.password));
            world.database().admin(&format!("ALTER ROLE {name} PASSWORD {password}")).await?;
        }
        world.steps(&STEPS, secret, token).await?;
        Ok(())
    }

    async fn assert_current_signs_in(&self) -> Result<()> {
        let current = self.world.current(&self.secret).await?;
        anyhow::ensure!(
            current.signs_in(self.world.database()).await?,
            "an application is refused"
        );
        Ok(())
    }

    async fn assert_nobody_is_locked_out(&mut self) -> Result<()> {
        if let Ok(pending) = self.world.pending(&self.secret).await
            && !self.known.contains(&pending)
        {
            self.known.push(pending);
        }
        // The newest first: one is enough, and failed sign-ins take their time.
        for login in self.known.iter().rev() {
            if login.signs_in(self.world.database()).await? {
                return Ok(());
            }
        }
        anyhow::bail!("no known password of `{}` signs in", self.known[0].username)
    }
}

#[tokio::test]
async fn between_any_two_steps_no_edit_is_undone_and_nobody_is_locked_out() -> Result<()> {
    let mut text = String::new();
    let mut world = World::with(Options::by_hand()).await?;
    for edit in [Edit::PasswordOnly, Edit::PasswordEverywhere, Edit::Host, Edit::Key] {
        for done in 0..STEPS.len() {
            let case = format!("{edit:?} before {}", STEPS[done]);
            let name = format!("edited_{edit:?}_{done}").to_lowercase();
            let mut scene = Scene::set(world, &name).await?;
            let token = scene.world.begin(&scene.secret).await?;
            scene.world.steps(&STEPS[..done], &scene.secret, &token).await?;
            scene.edit(edit).await?;
            let errors = scene.run(done, &token).await.context(case.clone())?;

            let port = scene.world.database().postgres().port().to_string();
            for error in &errors {
                for login in &scene.known {
                    assert!(!error.message.contains(&login.password), "{}", error.message);
                }
                let error = steady(error.clone(), &[(&token, "TOKEN"), (&port, "PORT")]);
                tell(&mut text, &case, &error)?;
            }
            let Scene { world: scene_world, secret, known } = &scene;
            let by_hand = &known[1];
            match edit {
                Edit::PasswordOnly | Edit::PasswordEverywhere => {
                    // Two attempts are enough, and the password stored by hand is not lost.
                    let previous = scene_world.secrets().secret(secret, "AWSPREVIOUS").await?;
                    assert_eq!(previous["password"], by_hand.password.as_str(), "{case}");
                }
                Edit::Host | Edit::Key if done == 0 => {
                    assert!(errors.is_empty(), "{case}: {errors:?}");
                }
                Edit::Host | Edit::Key => {
                    assert_eq!(errors.len(), 2, "{case}: {errors:?}");
                    let command = format!("--remove-from-version-id '{token}'");
                    assert!(errors.iter().all(|error| error.message.contains(&command)));
                    // What the messages say.
                    scene_world.drop_pending(secret, &token).await?;
                    let token = scene_world.begin(secret).await?;
                    scene.follow(&token, &mut text, &case).await.context(case.clone())?;
                }
            }
            let current = scene_world.secrets().secret(secret, "AWSCURRENT").await?;
            let edited = match edit {
                Edit::Host => current["host"] == "127.0.0.1",
                Edit::Key => current["application"] == "billing",
                Edit::PasswordOnly | Edit::PasswordEverywhere => true,
            };
            assert!(edited, "{case}: the edit is lost");
            let database = scene_world.database();
            let new = Login::from_secret(&current)?;
            assert!(new.signs_in(database).await?, "{case}: AWSCURRENT signs in");
            for old in [&known[0], by_hand] {
                assert!(*old == new || !old.signs_in(database).await?, "{case}: an old one too");
            }
            // And once more, undisturbed.
            let token = scene_world.begin(secret).await.context(case.clone())?;
            scene_world.steps(&STEPS, secret, &token).await.context(case)?;
            world = scene.world;
        }
    }
    golden("edited.txt", &text)
}

#[tokio::test]
async fn with_alternating_users_what_applications_read_signs_in_all_the_while() -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let port = world.database().postgres().port();
    let admin = world.create_admin_secret("edited/admin", port).await?;
    let mut world = world;
    for edit in [Edit::PasswordEverywhere, Edit::Key] {
        for done in 1..STEPS.len() {
            let case = format!("{edit:?} before {}", STEPS[done]);
            let name = format!("edited_pair_{edit:?}_{done}").to_lowercase();
            let mut scene = Scene::set(world, &name).await?;
            let mut value = scene.world.secrets().secret(&scene.secret, "AWSCURRENT").await?;
            value["masterarn"] = Value::from(admin.as_str());
            scene.world.put_current(&scene.secret, &value).await?;
            let token = scene.world.begin(&scene.secret).await?;
            scene.world.steps(&STEPS[..done], &scene.secret, &token).await?;
            scene.edit(edit).await?;
            scene.assert_current_signs_in().await.context(case.clone())?;
            let errors = scene.run(done, &token).await.context(case.clone())?;
            scene.assert_current_signs_in().await.context(case.clone())?;
            let secret = scene.secret.as_str();
            match edit {
                Edit::Key => {
                    let command = format!("--remove-from-version-id '{token}'");
                    assert!(errors.iter().all(|error| error.message.contains(&command)));
                    assert_eq!(errors.len(), 2, "{case}: {errors:?}");
                    scene.world.drop_pending(secret, &token).await?;
                    let token = scene.world.begin(secret).await?;
                    scene.world.steps(&STEPS, secret, &token).await.context(case.clone())?;
                    let current = scene.world.secrets().secret(secret, "AWSCURRENT").await?;
                    assert_eq!(current["application"], "billing", "{case}: the edit is lost");
                }
                _ => assert!(errors.is_empty(), "{case}: {errors:?}"),
            }
            let new = scene.world.current(secret).await?;
            assert_eq!(new.username, format!("{name}_clone"), "{case}");
            scene.assert_current_signs_in().await.context(case)?;
            world = scene.world;
        }
    }
    Ok(())
}
