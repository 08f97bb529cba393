//! Child processes that cannot outlive this one.
//!
//! 1. The kernel ends a child when its parent dies, however it dies (`setpriv --pdeathsig`).
//! 2. That signal is tied to the *thread* which started the child, and a test's thread ends with
//!    its test: so one thread, which never ends, starts all of them.
//! 3. A child's environment is cleared; it gets what is set here and nothing else.
//! 4. Output goes to files, so that no child ever waits for somebody to read a pipe.
//! 5. Dropping a [`Process`] ends it and waits until it is gone.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::sync::lock;

/// How long a process may take to end after being asked to; then it is killed.
const END_LIMIT: Duration = Duration::from_secs(5);

/// How often an exit is looked for.
const EXIT_POLL: Duration = Duration::from_millis(5);

/// A program about to be started.
#[derive(Debug)]
pub struct Launch {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    input: Option<PathBuf>,
    user: Option<String>,
    end_signal: Signal,
    wrapped: bool,
}

impl Launch {
    /// `program`, with no arguments and an empty environment.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            input: None,
            user: None,
            end_signal: Signal::SIGTERM,
            wrapped: true,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Adds an option and its value, a path.
    #[must_use]
    pub fn arg_pair(self, option: &str, value: &Path) -> Self {
        self.args([OsStr::new(option), value.as_os_str()])
    }

    /// Sets one environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Passes one variable of our own environment on, if it is set.
    #[must_use]
    pub fn inherit(self, name: &str) -> Self {
        match std::env::var_os(name) {
            Some(value) => self.env(name, value),
            None => self,
        }
    }

    /// Runs it as another user. Only root can.
    #[must_use]
    pub fn user(mut self, user: &str) -> Self {
        self.user = Some(user.to_owned());
        self
    }

    /// Has it read this file as its standard input, which is empty otherwise. For
    /// [`finish`](Self::finish).
    #[must_use]
    pub fn reading(mut self, input: &Path) -> Self {
        self.input = Some(input.to_owned());
        self
    }

    /// The signal that asks this program to end at once.
    #[must_use]
    pub fn ended_by(mut self, signal: Signal) -> Self {
        self.end_signal = signal;
        self
    }

    /// Starts the program itself, without the wrapper that ties it to our life: for measuring the
    /// time to its first sign of life, to which the wrapper would add its own start.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.wrapped = false;
        self
    }

    /// Starts it in the background; its output goes to `{name}.out` and `{name}.err` in `logs`.
    ///
    /// # Errors
    /// If it can't be started.
    pub fn start(self, logs: &Path, name: &str) -> Result<Process> {
        let stdout = logs.join(format!("{name}.out"));
        let stderr = logs.join(format!("{name}.err"));
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(create(&stdout)?).stderr(create(&stderr)?);
        let (started, child) = spawn(command)
            .with_context(|| format!("failed to start `{}`", self.program.display()))?;
        Ok(Process {
            id: child.id(),
            child: Mutex::new(child),
            started,
            end_signal: self.end_signal,
            stdout,
            stderr,
        })
    }

    /// Runs it to its end and returns what it printed.
    ///
    /// # Errors
    /// If it can't be started, or has not ended after `limit` (it is killed then).
    pub async fn finish(self, limit: Duration) -> Result<Output> {
        let mut command = tokio::process::Command::from(self.command());
        let input = match &self.input {
            None => Stdio::null(),
            Some(file) => {
                let opened = File::open(file);
                opened.with_context(|| format!("reading `{}`", file.display()))?.into()
            }
        };
        command.stdin(input).kill_on_drop(true);
        let program = self.program.display();
        match tokio::time::timeout(limit, command.output()).await {
            Ok(output) => output.with_context(|| format!("failed to run `{program}`")),
            Err(_) => bail!("`{program}` did not end within {} s", limit.as_secs()),
        }
    }

    fn command(&self) -> Command {
        let mut command = if self.wrapped {
            let mut command = Command::new("setpriv");
            if let Some(user) = &self.user {
                command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
            }
            command.arg("--pdeathsig").arg(self.end_signal.as_str()).arg("--").arg(&self.program);
            command
        } else {
            Command::new(&self.program)
        };
        command.args(&self.arguments).env_clear().env("PATH", search_path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// A running program.
#[derive(Debug)]
pub struct Process {
    child: Mutex<Child>,
    id: u32,
    started: Instant,
    end_signal: Signal,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Process {
    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The moment just before it was started.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.started
    }

    /// What it has printed so far.
    ///
    /// # Errors
    /// If the file is gone.
    pub fn stdout(&self) -> Result<String> {
        read(&self.stdout)
    }

    /// What it has written to standard error so far.
    ///
    /// # Errors
    /// If the file is gone.
    pub fn stderr(&self) -> Result<String> {
        read(&self.stderr)
    }

    /// The file behind [`Process::stderr`].
    #[must_use]
    pub fn stderr_path(&self) -> &Path {
        &self.stderr
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// If the system won't say.
    pub fn exited(&self) -> Result<Option<ExitStatus>> {
        lock(&self.child).try_wait().context("asking how a process ended")
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// If it has ended.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        // Holding the lock: a process that nobody has waited for keeps its id, so this can't
        // reach a stranger.
        let mut child = lock(&self.child);
        if child.try_wait().context("looking at a process")?.is_some() {
            bail!("process {} has ended", self.id);
        }
        kill(self.pid()?, signal).with_context(|| format!("sending {signal}"))
    }

    /// Ends it and waits until it is gone. Harmless when it has ended already.
    pub fn end(&self) {
        if self.signal(self.end_signal).is_err() {
            return;
        }
        let limit = Instant::now() + END_LIMIT;
        while Instant::now() < limit {
            if matches!(self.exited(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(EXIT_POLL);
        }
        let mut child = lock(&self.child);
        let _ = child.kill();
        let _ = child.wait();
    }

    /// CPU time of all its threads so far, those that have ended included.
    ///
    /// # Errors
    /// If it has ended.
    pub fn cpu(&self) -> Result<Duration> {
        let clock = nix::time::clock_getcpuclockid(self.pid()?)
            .with_context(|| format!("no CPU clock for process {}", self.id))?;
        let time = nix::time::clock_gettime(clock).context("reading a CPU clock")?;
        Ok(Duration::from(time))
    }

    /// The most memory it has had resident at any time, in bytes.
    ///
    /// # Errors
    /// If it has ended.
    pub fn peak_memory(&self) -> Result<u64> {
        let path = format!("/proc/{}/status", self.id);
        let status = fs::read_to_string(&path).with_context(|| format!("reading `{path}`"))?;
        status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|value| value.trim().strip_suffix("kB"))
            .and_then(|kilobytes| kilobytes.trim().parse::<u64>().ok())
            .map(|kilobytes| kilobytes * 1024)
            .with_context(|| format!("no VmHWM in `{path}`"))
    }

    fn pid(&self) -> Result<Pid> {
        Ok(Pid::from_raw(i32::try_from(self.id).context("a process id out of range")?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// "ended with exit code 1" or "was ended by signal 9", for messages.
#[must_use]
pub fn describe_exit(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

type Order = (Command, mpsc::Sender<std::io::Result<(Instant, Child)>>);

/// Starts `command` on the one thread that lives as long as this process.
fn spawn(mut command: Command) -> Result<(Instant, Child)> {
    static SPAWNER: OnceLock<Option<mpsc::Sender<Order>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, received) = mpsc::channel::<Order>();
        let thread = std::thread::Builder::new().name("spawner".to_owned());
        let started = thread.spawn(move || {
            for (mut command, answer) in received {
                let now = Instant::now();
                let _ = answer.send(command.spawn().map(|child| (now, child)));
            }
        });
        started.is_ok().then_some(orders)
    });
    let spawner = spawner.as_ref().context("no thread for starting processes")?;
    let (answer, answered) = mpsc::channel();
    command.stdin(Stdio::null());
    spawner.send((command, answer)).map_err(|_| anyhow!("the spawning thread has ended"))?;
    Ok(answered.recv().context("the spawning thread has ended")??)
}

/// Where programs are looked for; `PATH` may be missing where a service manager runs the tests.
fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/local/bin:/usr/bin:/bin"))
}

fn create(path: &Path) -> Result<File> {
    File::create(path).with_context(|| format!("making `{}`", path.display()))
}

fn read(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("reading `{}`", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WorkDir;

    fn sleeper(work: &WorkDir, name: &str) -> Process {
        Launch::new("sleep").args(["60"]).start(work.path(), name).unwrap()
    }

    #[test]
    fn child_outlives_the_thread_that_asked_for_it_but_not_its_owner() {
        let work = WorkDir::new().unwrap();
        let process =
            std::thread::scope(|scope| scope.spawn(|| sleeper(&work, "thread")).join().unwrap());
        std::thread::sleep(Duration::from_millis(100));
        assert!(process.exited().unwrap().is_none(), "it ended with the thread");
        let id = process.id();
        drop(process);
        assert!(!Path::new(&format!("/proc/{id}")).exists());
    }

    #[test]
    fn usage_of_a_living_process_is_readable() {
        let work = WorkDir::new().unwrap();
        let process = sleeper(&work, "usage");
        // Just started, it has next to nothing.
        let limit = Instant::now() + Duration::from_secs(10);
        while process.peak_memory().unwrap() < 100_000 {
            assert!(Instant::now() < limit, "{} bytes", process.peak_memory().unwrap());
            std::thread::sleep(EXIT_POLL);
        }
        assert!(process.cpu().unwrap() < Duration::from_secs(1));
        process.end();
        assert!(process.signal(Signal::SIGTERM).is_err());
    }

    #[tokio::test]
    async fn environment_is_what_was_set_and_nothing_else() {
        let output =
            Launch::new("env").env("ONLY", "this").finish(Duration::from_secs(10)).await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut names: Vec<_> = text.lines().filter_map(|line| line.split('=').next()).collect();
        names.sort_unstable();
        assert_eq!(names, ["ONLY", "PATH"]);
    }

    #[tokio::test]
    async fn a_program_that_does_not_end_is_an_error() {
        let error =
            Launch::new("sleep").args(["60"]).finish(Duration::from_millis(50)).await.unwrap_err();
        assert_eq!(error.to_string(), "`sleep` did not end within 0 s");
    }
}
