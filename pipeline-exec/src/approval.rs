//! Steps that wait for the approval of a person or another program.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Requests and decisions, shared by all clones: a resource for the steps that ask, and a handle for the code that decides.
///
/// ```
/// # use pipeline_exec::{Approvals, Rejected};
/// /// A step: `#[step(timeout = "8h")] async fn approved(#[resource] approvals: &Approvals, plan: &Plan)`.
/// async fn approved(approvals: &Approvals, rows: u64) -> Result<(), Rejected> {
///     approvals.ask("load", format!("load {rows} rows?")).await
/// }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let approvals = Approvals::new();
/// let someone = async {
///     let request = approvals.next_request().await;
///     assert_eq!((request.name.as_str(), request.question.as_str()), ("load", "load 7 rows?"));
///     assert!(approvals.approve("load"));
/// };
/// let (answer, ()) = tokio::join!(approved(&approvals, 7), someone);
/// assert_eq!(answer, Ok(()));
/// # });
/// ```
#[derive(Clone, Debug, Default)]
pub struct Approvals(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    requests: Mutex<BTreeMap<String, State>>,
    changed: Notify,
}

#[derive(Debug)]
enum State {
    Asked {
        question: String,
        /// Whether [`Approvals::next_request`] has returned it.
        is_taken: bool,
    },
    Decided(Result<(), Rejected>),
}

/// A request for approval.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApprovalRequest {
    /// The name, by which it is decided.
    pub name: String,
    /// The question, for people.
    pub question: String,
}

/// A rejected request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejected {
    /// The name of the request.
    pub name: String,
    /// The reason.
    pub reason: String,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` was rejected: {}", self.name, self.reason)
    }
}

impl Error for Rejected {}

impl Approvals {
    /// Makes an empty set of requests.
    pub fn new() -> Self {
        Approvals::default()
    }

    /// Asks for approval and waits for the decision. If it was made before, returns at once. The decision holds for all requests
    /// of that name, until it is [forgotten](Approvals::forget).
    ///
    /// # Errors
    /// If the request is rejected.
    ///
    /// # Cancel safety
    /// Safe: the request stays, and asking again waits for the same decision. Bound the wait with the step's `timeout`.
    pub async fn ask(&self, name: impl Into<String>, question: impl Into<String>) -> Result<(), Rejected> {
        let (name, question) = (name.into(), question.into());
        self.requests().entry(name.clone()).or_insert(State::Asked { question, is_taken: false });
        self.0.changed.notify_waiters();
        self.wait(|requests| match requests.get(&name) {
            Some(State::Decided(decision)) => Some(decision.clone()),
            _ => None,
        })
        .await
    }

    /// Waits for a request that was not returned before.
    ///
    /// # Cancel safety
    /// Safe: dropping the future loses no request.
    pub async fn next_request(&self) -> ApprovalRequest {
        self.wait(|requests| {
            requests.iter_mut().find_map(|(name, state)| match state {
                State::Asked { question, is_taken } if !*is_taken => {
                    *is_taken = true;
                    Some(ApprovalRequest { name: name.clone(), question: question.clone() })
                }
                _ => None,
            })
        })
        .await
    }

    /// Returns the requests without a decision, sorted by name.
    pub fn pending(&self) -> Vec<ApprovalRequest> {
        let requests = self.requests();
        let pending = requests.iter().filter_map(|(name, state)| match state {
            State::Asked { question, .. } => {
                Some(ApprovalRequest { name: name.clone(), question: question.clone() })
            }
            State::Decided(_) => None,
        });
        pending.collect()
    }

    /// Approves a request, even before it is made. Returns `false` if it was decided already: the first decision stays.
    pub fn approve(&self, name: impl Into<String>) -> bool {
        self.decide(name.into(), Ok(()))
    }

    /// Rejects a request, even before it is made. Returns `false` if it was decided already.
    pub fn reject(&self, name: impl Into<String>, reason: impl Into<String>) -> bool {
        let name = name.into();
        let rejected = Rejected { name: name.clone(), reason: reason.into() };
        self.decide(name, Err(rejected))
    }

    /// Forgets the decision about a name, so that another run can ask again.
    pub fn forget(&self, name: &str) {
        self.requests().remove(name);
    }

    fn decide(&self, name: String, decision: Result<(), Rejected>) -> bool {
        let mut requests = self.requests();
        if matches!(requests.get(&name), Some(State::Decided(_))) {
            return false;
        }
        requests.insert(name, State::Decided(decision));
        drop(requests);
        self.0.changed.notify_waiters();
        true
    }

    async fn wait<T>(&self, mut look: impl FnMut(&mut BTreeMap<String, State>) -> Option<T>) -> T {
        loop {
            let mut changed = std::pin::pin!(self.0.changed.notified());
            // Registered before the look, so that no later change is missed.
            changed.as_mut().enable();
            let found = look(&mut self.requests());
            if let Some(found) = found {
                return found;
            }
            changed.await;
        }
    }

    fn requests(&self) -> MutexGuard<'_, BTreeMap<String, State>> {
        self.0.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
