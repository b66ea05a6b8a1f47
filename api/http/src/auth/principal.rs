//! Who calls and what they may do. The only place where that is decided.

use std::collections::BTreeSet;
use std::net::IpAddr;

use salvo::http::StatusCode;
use salvo::prelude::Depot;
use serde::{Deserialize, Serialize};
use untxt_engine::time::Timestamp;
use uuid::Uuid;

use super::error::scope_missing;
use crate::error::ApiError;

/// Characters of a caller's name; the audit keeps 128 bytes.
const NAME_CHARS_MAX: usize = 120;

/// Something a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Upload, cancel and retry.
    Submit,
    /// See tasks, their results, and what happens to them.
    Read,
    /// All of that for every user, and what operators see and do.
    Operate,
    /// All of that, and say who may call.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::Submit, Self::Read, Self::Operate, Self::Admin];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }

    /// The scope that has this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}

/// Some scopes. Serialized as their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// All that `names` names, separated by commas or spaces.
    ///
    /// # Errors
    /// What is wrong with it, with the names there are.
    pub fn parse(names: &str) -> Result<Self, String> {
        let words = names.split([',', ' ']).filter(|word| !word.is_empty());
        words
            .map(|word| {
                let known = Scope::ALL.map(Scope::as_str).join(", ");
                Scope::parse(word).ok_or_else(|| format!("there is no scope `{word}`; there are {known}"))
            })
            .collect()
    }

    /// Whether they allow `wanted`. `operate` holds `submit` and `read`, `admin`
    /// holds all.
    #[must_use]
    pub fn allow(&self, wanted: Scope) -> bool {
        self.0.contains(&wanted)
            || self.0.contains(&Scope::Admin)
            || (wanted != Scope::Admin && self.0.contains(&Scope::Operate))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|scope| scope.as_str()).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        Self(scopes.into_iter().collect())
    }
}

/// Who calls. A ticket keeps it as JSON for the seconds it lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// As the audit names it.
    name: String,
    /// Which user that is; nobody in particular while callers are not asked.
    user: Option<Uuid>,
    scopes: Scopes,
    /// The key that was presented, if it was one.
    pub(super) key: Option<Uuid>,
    /// When the credentials expire.
    #[serde(rename = "until")]
    pub(super) expires_at: Option<Timestamp>,
    /// The session that let them in, if it was one.
    #[serde(default)]
    pub(super) session: Option<Uuid>,
    /// Their name for people, if there is one.
    #[serde(default)]
    pub(super) label: Option<String>,
    /// A ticket was presented.
    #[serde(default)]
    by_ticket: bool,
}

impl Principal {
    /// Any caller while authentication is off: may do everything for everybody.
    #[must_use]
    pub fn anonymous(from: Option<IpAddr>) -> Self {
        let name = from.map_or_else(|| "api".to_owned(), |ip| format!("api:{ip}"));
        let scopes = Scope::ALL.into_iter().collect();
        Self {
            name,
            user: None,
            scopes,
            key: None,
            expires_at: None,
            session: None,
            label: None,
            by_ticket: false,
        }
    }

    /// The user `user`, named `name` in the audit log, with these scopes.
    pub(super) fn user(name: &str, user: Uuid, scopes: Scopes) -> Self {
        Self { name: one_line(name), user: Some(user), scopes, ..Self::anonymous(None) }
    }

    /// The same, who presented this key.
    pub(super) fn with_key(self, key: Uuid) -> Self {
        Self { key: Some(key), ..self }
    }

    /// The same, whose credentials expire then.
    pub(super) fn expiring_at(self, expires_at: Option<Timestamp>) -> Self {
        Self { expires_at, ..self }
    }

    /// The same, who is let in by this session.
    pub(super) fn in_session(self, session: Uuid) -> Self {
        Self { session: Some(session), ..self }
    }

    /// The same, whom people call so, unless that says nothing.
    pub(super) fn labelled(self, label: Option<&str>) -> Self {
        Self { label: label.map(one_line).filter(|label| !label.trim().is_empty()), ..self }
    }

    /// The same, who presented a ticket.
    pub(super) fn by_ticket(self) -> Self {
        Self { by_ticket: true, ..self }
    }

    /// The caller that the middleware put into `depot`.
    ///
    /// # Errors
    /// When it did not: the route is not behind it, which is a fault of the
    /// router and lets nobody in.
    pub fn of(depot: &Depot) -> Result<&Self, ApiError> {
        let missing = |_| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "internal error");
        depot.get_typed::<Self>().map_err(missing)
    }

    /// As the audit names it: `key:…`, `sub:…`, or `api:` and the address where
    /// callers are not asked.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As people name them.
    #[must_use]
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }

    /// Which user that is; nobody in particular while authentication is off.
    #[must_use]
    pub fn user_id(&self) -> Option<Uuid> {
        self.user
    }

    /// What they may do.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// When their credentials expire.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// The session that let them in, if it was one.
    #[must_use]
    pub fn session(&self) -> Option<Uuid> {
        self.session
    }

    /// What they were authenticated by.
    #[must_use]
    pub fn authentication(&self) -> &'static str {
        match self {
            Self { user: None, .. } => "off",
            Self { by_ticket: true, .. } => "ticket",
            Self { session: Some(_), .. } => "session",
            Self { key: Some(_), .. } => "key",
            _ => "token",
        }
    }

    /// Lets nobody through whose scopes do not allow `scope`.
    ///
    /// # Errors
    /// 403 `SCOPE_MISSING`, which names it.
    pub fn may(&self, scope: Scope) -> Result<(), ApiError> {
        if self.scopes.allow(scope) { Ok(()) } else { Err(scope_missing(scope)) }
    }

    /// Whether what belongs to `owner` is there for this caller. What isn't is
    /// answered as what does not exist.
    #[must_use]
    pub fn sees(&self, owner: Uuid) -> bool {
        self.owns(owner) || self.scopes.allow(Scope::Operate)
    }

    /// Whether what belongs to `owner` is this caller's own; while authentication is off
    /// everything is.
    #[must_use]
    pub fn owns(&self, owner: Uuid) -> bool {
        self.user.is_none_or(|user| user == owner)
    }

    /// The user for whom a request is that names `asked`: the caller unless it
    /// names somebody.
    ///
    /// # Errors
    /// 403 `FORBIDDEN` when that is somebody else and the scopes do not allow it;
    /// 400 when nobody is named and callers are not asked who they are.
    pub fn acts_for(&self, asked: Option<Uuid>) -> Result<Uuid, ApiError> {
        match asked.or(self.user) {
            None => Err(ApiError::field("userId", "missing")),
            Some(user) if self.sees(user) => Ok(user),
            Some(_) => Err(ApiError::not_yours()),
        }
    }
}

fn one_line(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(user: Uuid, scopes: &str) -> Principal {
        Principal::user("key:1", user, Scopes::parse(scopes).unwrap())
    }

    #[test]
    fn wider_scopes_hold_narrower_ones() {
        let allowed = |scopes: &str| {
            let scopes = Scopes::parse(scopes).unwrap();
            Scope::ALL.into_iter().filter(|scope| scopes.allow(*scope)).map(Scope::as_str).collect::<Vec<_>>()
        };
        assert_eq!(allowed(""), [""; 0]);
        assert_eq!(allowed("read"), ["read"]);
        assert_eq!(allowed("read submit"), ["submit", "read"]);
        assert_eq!(allowed("operate"), ["submit", "read", "operate"]);
        assert_eq!(allowed("admin"), ["submit", "read", "operate", "admin"]);
        assert!(Scopes::parse("read,write").unwrap_err().contains("`write`; there are submit, read"));
    }

    #[test]
    fn only_operators_act_for_others() {
        let (me, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mine = caller(me, "read submit");
        assert_eq!((mine.acts_for(None).unwrap(), mine.acts_for(Some(me)).unwrap()), (me, me));
        assert!(mine.acts_for(Some(other)).is_err() && !mine.sees(other));
        let operator = caller(me, "operate");
        assert_eq!((operator.acts_for(None).unwrap(), operator.acts_for(Some(other)).unwrap()), (me, other));
        let anybody = Principal::anonymous(None);
        assert_eq!(anybody.acts_for(Some(other)).unwrap(), other);
        assert!(anybody.acts_for(None).is_err() && anybody.sees(other));
    }

    #[test]
    fn a_name_is_one_readable_line() {
        let long = Principal::user(&format!("sub:a\nb{}", "c".repeat(500)), Uuid::nil(), Scopes::default());
        assert!(long.name().starts_with("sub:abc") && long.name().chars().count() == NAME_CHARS_MAX);
    }
}
