//! A server that is a process of this machine.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, mpsc};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::ServerError;

/// How long a server may take until it serves.
const PATIENCE: Duration = Duration::from_secs(90);

/// How often is looked whether it serves.
const LOOK: Duration = Duration::from_millis(20);

/// Lines of output that an error shows.
const TAIL: usize = 30;

/// What to run, and how to bring it.
#[derive(Debug, Clone)]
pub struct Program {
    /// Its name, to be found in `PATH`, `/usr/sbin`, `/usr/local/sbin` or RabbitMQ's own folder; or
    /// its whole path.
    pub name: &'static str,
    /// The command that brings it.
    pub remedy: &'static str,
    /// What it is given.
    pub arguments: Vec<String>,
    /// Variables that it is given beside those of this process.
    pub environment: Vec<(String, String)>,
    /// Where it runs, and where its output goes, into `{name}.log` without the name's folder.
    pub folder: PathBuf,
}

/// A running server. It is killed when this is dropped, and when the process that started it ends
/// in whatever way.
#[derive(Debug)]
pub struct Process {
    program: Program,
    path: PathBuf,
    child: Child,
}

impl Process {
    /// Starts the program and waits until `serves` says that it does.
    ///
    /// # Errors
    /// When the program is missing, ends, or does not serve within 90 seconds.
    pub async fn start<F>(program: Program, serves: F) -> Result<Self, ServerError>
    where
        F: AsyncFnMut() -> bool,
    {
        let path = find(program.name).ok_or(ServerError::Missing {
            program: program.name,
            remedy: program.remedy,
        })?;
        let child = spawn(&program, &path)?;
        let mut process = Self {
            program,
            path,
            child,
        };
        process.wait(serves).await?;
        Ok(process)
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it (SIGKILL) with all its children and waits until it is gone.
    ///
    /// # Errors
    /// When it could not be waited for.
    pub fn kill(&mut self) -> Result<(), ServerError> {
        self.signal(Signal::KILL);
        let ended = self.child.wait();
        ended.map_err(ServerError::io(format!("ending {}", self.program.name)))?;
        Ok(())
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    ///
    /// # Errors
    /// When it could not be waited for.
    pub async fn terminate(&mut self) -> Result<(), ServerError> {
        self.signal(Signal::TERM);
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            let ended = self.child.try_wait();
            if ended
                .map_err(ServerError::io(format!("ending {}", self.program.name)))?
                .is_some()
            {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        self.kill()
    }

    /// Starts it again as it was started, and waits until it serves.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn restart<F>(&mut self, serves: F) -> Result<(), ServerError>
    where
        F: AsyncFnMut() -> bool,
    {
        self.kill()?;
        self.child = spawn(&self.program, &self.path)?;
        self.wait(serves).await
    }

    /// Freezes it (SIGSTOP) and waits until it is: its sockets stay open and nothing answers.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
        while self.runs() {
            std::thread::yield_now();
        }
    }

    /// Whether any of its threads may still do something.
    fn runs(&self) -> bool {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        threads.into_iter().flatten().flatten().any(|thread| {
            let status = std::fs::read_to_string(thread.path().join("stat"));
            // The state follows the name, which is in brackets and may hold anything.
            let state = |text: String| text.rsplit_once(") ").and_then(|it| it.1.chars().next());
            status
                .ok()
                .and_then(state)
                .is_some_and(|it| !"TtZX".contains(it))
        })
    }

    /// Lets it go on (SIGCONT).
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Asks it to read its configuration again (SIGHUP).
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(id) = id {
            // It may have ended already.
            let _ = kill_process_group(id, signal);
        }
    }

    async fn wait<F: AsyncFnMut() -> bool>(&mut self, mut serves: F) -> Result<(), ServerError> {
        let since = Instant::now();
        loop {
            let ended = self.child.try_wait();
            let ended =
                ended.map_err(ServerError::io(format!("starting {}", self.program.name)))?;
            if let Some(status) = ended {
                return Err(self.not_serving(format!("ended with {status}")));
            }
            if serves().await {
                return Ok(());
            }
            if since.elapsed() > PATIENCE {
                return Err(self.not_serving(format!("does not serve after {PATIENCE:?}")));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn not_serving(&self, what: String) -> ServerError {
        let log = self.program.log();
        ServerError::NotServing {
            program: self.program.name.to_owned(),
            what,
            tail: tail(&log),
            log,
        }
    }
}

impl Program {
    fn log(&self) -> PathBuf {
        let name = Path::new(self.name).file_name().unwrap_or_default();
        self.folder.join(name).with_extension("log")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

type Order = (Command, mpsc::SyncSender<io::Result<Child>>);

/// The thread that starts every server. A child is told of the death of the *thread* that made it,
/// and this one lives as long as the process.
static NURSERY: LazyLock<mpsc::SyncSender<Order>> = LazyLock::new(|| {
    let (orders, waiting) = mpsc::sync_channel::<Order>(16);
    std::thread::spawn(move || {
        for (mut command, answer) in waiting {
            let _ = answer.send(command.spawn());
        }
    });
    orders
});

fn spawn(program: &Program, path: &Path) -> Result<Child, ServerError> {
    let doing = || format!("starting {}", path.display());
    let log = File::options()
        .create(true)
        .append(true)
        .open(program.log())
        .map_err(ServerError::io(doing()))?;
    let errors = log.try_clone().map_err(ServerError::io(doing()))?;
    // `setpriv` has the kernel kill the server when this process dies, and becomes the server.
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "--"])
        .arg(path)
        .args(&program.arguments)
        .envs(program.environment.iter().cloned())
        .current_dir(&program.folder)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors);
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let (answer, spawned) = mpsc::sync_channel(1);
    let sent = NURSERY.send((command, answer));
    sent.map_err(|_| ServerError::io(doing())(io::ErrorKind::BrokenPipe.into()))?;
    let spawned = spawned.recv();
    spawned
        .unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
        .map_err(ServerError::io(doing()))
}

/// Where a program is. What Debian puts into the search path for RabbitMQ runs the programs of this
/// first folder as another user, who cannot read what a test has written.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let first = PathBuf::from("/usr/lib/rabbitmq/bin");
    std::iter::once(first)
        .chain(std::env::split_paths(&path))
        .chain(["/usr/sbin", "/usr/local/sbin", "/usr/local/bin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let mut last = VecDeque::with_capacity(TAIL);
    for line in text.lines() {
        if last.len() == TAIL {
            last.pop_front();
        }
        last.push_back(line);
    }
    Vec::from(last).join("\n")
}
