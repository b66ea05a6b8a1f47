//! `POST /api/tasks`: a file, or where it is to be fetched, and what is to become of it.

use multra::{Constraints, Field, Multipart, SizeLimit};
use salvo::http::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use salvo::http::{ReqBody, StatusCode};
use salvo::prelude::{Depot, Json, Request, Response, handler};
use serde_json::{Map, Value};
use untxt_engine::event::OnItemFailure;
use untxt_workflows::documents::formats::Format;
use untxt_workflows::incoming::Spooled;
use untxt_workflows::platform::Platform;
use untxt_workflows::submit::{NewTask, Submission};
use untxt_workflows::task_input::TaskOptions;
use uuid::Uuid;

use super::body::{body, has_json};
use super::parse_user;
use super::task_params::{TaskParams, parse_formats, policy, with_webhook};
use crate::app_state::AppState;
use crate::auth::principal::Principal;
use crate::boxed;
use crate::error::ApiError;
use crate::json;
use crate::request_info::RequestInfo;
use crate::views;

/// Bytes of a field that is not the file.
pub(crate) const FIELD_BYTES_MAX: usize = 16 << 10;

/// Bytes of the head of a part.
const PART_HEAD_BYTES_MAX: u64 = 8 << 10;

/// Parts of a request: twice as many as there are fields.
pub(crate) const PARTS_MAX: usize = 20;

#[handler]
#[boxed]
pub(crate) async fn create(req: &mut Request, depot: &mut Depot, res: &mut Response) -> Result<(), ApiError> {
    let state = AppState::of(depot)?;
    let (idempotency_key, caller) = (idempotency_key(req)?, Principal::of(depot)?);
    let (wanted, document) = if has_json(req).is_ok() {
        let TaskFromUrl { user_id, url, filename, params } = TaskFromUrl::read(body(req).await?)?;
        let user = caller.acts_for(user_id)?;
        (params.of(user, filename.unwrap_or_default(), idempotency_key)?, Document::At(url))
    } else {
        fits(req, state.platform.settings().upload_bytes_max)?;
        Form::read(req, &state.platform).await?.finish(caller, idempotency_key)?
    };
    let tasks = &state.platform.tasks;
    let submission = match document {
        Document::Sent(spooled) => tasks.submit(wanted, spooled).await?,
        Document::At(url) => tasks.submit_url(wanted, url).await?,
    };
    show(&submission, RequestInfo::of(req)?, res);
    Ok(())
}

/// The document of a new task.
enum Document {
    /// It came with the request.
    Sent(Spooled),
    /// It is fetched from this URL.
    At(String),
}

/// A task whose document is fetched, as JSON: the fields of a form.
struct TaskFromUrl {
    user_id: Option<Uuid>,
    url: String,
    filename: Option<String>,
    params: TaskParams,
}

impl TaskFromUrl {
    fn read(mut fields: Map<String, Value>) -> Result<Self, ApiError> {
        let mut text = |name: &'static str| match fields.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(ApiError::field(name, "not a string")),
        };
        let user_id = text("userId")?.map(|text| parse_user(&text)).transpose()?;
        let url = text("url")?.ok_or_else(|| ApiError::field("url", "missing; the URL of the document"))?;
        let filename = text("filename")?;
        let params = serde_json::from_value(Value::Object(fields)).map_err(ApiError::malformed_body)?;
        Ok(Self { user_id, url, filename, params })
    }
}

/// Bytes of the largest form: the file, and whatever may stand beside it.
pub(crate) fn form_bytes_max(upload_bytes_max: u64) -> u64 {
    let part_bytes_max = FIELD_BYTES_MAX as u64 + PART_HEAD_BYTES_MAX;
    upload_bytes_max.saturating_add(PARTS_MAX as u64 * part_bytes_max)
}

/// Refuses a body that says that it is too large, before it is asked for: a client
/// that waits for `100 Continue` need not send it.
fn fits(req: &Request, upload_bytes_max: u64) -> Result<(), ApiError> {
    let announced = req.header::<u64>("content-length").unwrap_or(0);
    if announced <= form_bytes_max(upload_bytes_max) {
        return Ok(());
    }
    let message = format!(
        "the body has {announced} bytes; a file may have {upload_bytes_max} \
                           (UNTXT_MAX_UPLOAD_BYTES)"
    );
    Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "FILE_TOO_LARGE", message))
}

/// The key that makes a repeated request the same task. One that can't be read
/// is refused: the client counts on it.
pub(super) fn idempotency_key(req: &Request) -> Result<Option<String>, ApiError> {
    let Some(key) = req.headers().get("idempotency-key") else { return Ok(None) };
    let text = key.to_str().map_err(|_| ApiError::field("Idempotency-Key", "not printable ASCII"))?;
    Ok(Some(text.to_owned()))
}

/// The task that came of an upload, or was there already.
pub(super) fn show(submission: &Submission, seen: &RequestInfo, res: &mut Response) {
    res.status_code(if submission.repeated { StatusCode::OK } else { StatusCode::CREATED });
    let location = seen.path(&format!("/api/tasks/{}", submission.task.id));
    if let Ok(location) = HeaderValue::from_str(&location) {
        res.headers_mut().insert(LOCATION, location);
    }
    res.render(Json(views::success(&views::submission(submission))));
}

/// The request's parts, in whatever order they came.
#[derive(Default)]
struct Form {
    file: Option<(String, Spooled)>,
    url: Option<String>,
    filename: Option<String>,
    user: Option<Uuid>,
    priority: Option<u8>,
    engine: Option<String>,
    formats: Option<Vec<Format>>,
    pages: Option<String>,
    on_page_failure: OnItemFailure,
    options: TaskOptions,
    webhook: Option<String>,
}

impl Form {
    async fn read(req: &mut Request, platform: &Platform) -> Result<Self, ApiError> {
        let content_type =
            req.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let content_type = content_type.to_owned();
        let mut parts = parts(&content_type, bytes(req.take_body()))?;
        let mut form = Self::default();
        let mut count = 0;
        while let Some(part) = parts.next_field().await.map_err(|error| malformed(&error))? {
            count += 1;
            if count > PARTS_MAX {
                return Err(ApiError::new(StatusCode::BAD_REQUEST, "TOO_MANY_PARTS", "too many form fields"));
            }
            form.take(part, platform).await?;
        }
        Ok(form)
    }

    async fn take(&mut self, part: Field<'static>, platform: &Platform) -> Result<(), ApiError> {
        let name = part.name().unwrap_or_default().to_owned();
        if name == "file" {
            if self.file.is_some() {
                return Err(ApiError::field("file", "only one file per task"));
            }
            self.file = Some(spool(part, platform).await?);
            return Ok(());
        }
        if part.file_name().is_some() {
            return Err(misnamed(&name, "file"));
        }
        known_or_foreign(&name)?;
        let value = text(part, &name).await?;
        match name.as_str() {
            "url" => self.url = Some(value).filter(|url| !url.is_empty()),
            "filename" => self.filename = Some(value),
            "userId" => self.user = Some(parse_user(&value)?),
            "priority" => self.priority = Some(parsed("priority", &value)?),
            "engine" => self.engine = Some(value).filter(|engine| !engine.is_empty()),
            "formats" => self.formats = Some(parse_formats(&value)?),
            "pages" => self.pages = Some(value).filter(|pages| !pages.is_empty()),
            "webhook" => self.webhook = Some(value),
            "onPageFailure" => self.on_page_failure = policy(&value)?,
            "options" => {
                self.options =
                    json::read(value.as_bytes()).map_err(|error| ApiError::field("options", error))?;
            }
            // Other clients' fields are none of our business.
            _ => {}
        }
        Ok(())
    }

    fn finish(
        self,
        caller: &Principal,
        idempotency_key: Option<String>,
    ) -> Result<(NewTask, Document), ApiError> {
        let (filename, document) = match (self.file, self.url) {
            (Some((filename, spooled)), None) => (self.filename.unwrap_or(filename), Document::Sent(spooled)),
            (None, Some(url)) => (self.filename.unwrap_or_default(), Document::At(url)),
            (None, None) => {
                let message = "missing; send the document as a part of this name, or its `url`";
                return Err(ApiError::field("file", message));
            }
            (Some(_), Some(_)) => return Err(ApiError::field("url", "send either `file` or `url`")),
        };
        let wanted = NewTask {
            user: caller.acts_for(self.user)?,
            filename,
            priority: self.priority.unwrap_or(5),
            engine: self.engine,
            formats: self.formats.unwrap_or_else(|| vec![Format::Html]),
            pages: self.pages,
            on_page_failure: self.on_page_failure,
            options: with_webhook(self.options, self.webhook),
            idempotency_key,
        };
        Ok((wanted, document))
    }
}

/// The parts of a body, none of which has a longer head than may be.
///
/// # Errors
/// When `content_type` is not that of a form, or names no boundary.
pub(crate) fn parts<S, E>(content_type: &str, body: S) -> Result<Multipart<'static>, ApiError>
where
    S: futures_util::Stream<Item = Result<bytes::Bytes, E>> + Send + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
{
    let boundary = multra::parse_boundary(content_type).map_err(|_| {
        let message = "send multipart/form-data with `file` and `userId`, or JSON with `url`";
        ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "NOT_MULTIPART", message)
    })?;
    let limits = Constraints::new().size_limit(SizeLimit::new().headers(PART_HEAD_BYTES_MAX));
    Ok(Multipart::with_constraints(body, boundary, limits))
}

/// What a form may say.
const FIELDS: [&str; 11] = [
    "file",
    "url",
    "filename",
    "userId",
    "priority",
    "engine",
    "formats",
    "pages",
    "webhook",
    "onPageFailure",
    "options",
];

/// Refuses a name that is one of ours but for how it is written, such as
/// `formats[]` or `user_id`: what it says would be left out without a word.
pub(crate) fn known_or_foreign(name: &str) -> Result<(), ApiError> {
    let plain = |name: &str| {
        let letters = name.chars().filter(char::is_ascii_alphanumeric);
        letters.collect::<String>().to_ascii_lowercase().trim_end_matches('s').to_owned()
    };
    let meant = FIELDS.into_iter().find(|field| *field != name && plain(field) == plain(name));
    match meant.filter(|_| !FIELDS.contains(&name)) {
        Some(meant) => Err(misnamed(name, meant)),
        None => Ok(()),
    }
}

/// A field came under another name than its own.
fn misnamed(came: &str, expected: &str) -> ApiError {
    let came: String = came.chars().filter(|c| !c.is_control()).take(64).collect();
    ApiError::field(&came, format!("unknown field; use `{expected}`"))
}

/// The bytes of a body as they come.
fn bytes(
    body: ReqBody,
) -> impl futures_util::Stream<Item = Result<salvo::hyper::body::Bytes, std::io::Error>> {
    use futures_util::StreamExt;
    body.filter_map(|frame| async move {
        match frame {
            Ok(frame) => frame.into_data().ok().map(Ok),
            Err(error) => Some(Err(error)),
        }
    })
}

async fn spool(mut part: Field<'static>, platform: &Platform) -> Result<(String, Spooled), ApiError> {
    let filename = part.file_name().unwrap_or("document").to_owned();
    let mut incoming = platform.tasks.receive().await?;
    while let Some(chunk) = part.chunk().await.map_err(|error| malformed(&error))? {
        incoming.write(&chunk).await?;
    }
    Ok((filename, incoming.finish().await?))
}

pub(crate) async fn text(mut part: Field<'static>, name: &str) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.chunk().await.map_err(|error| malformed(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > FIELD_BYTES_MAX {
            return Err(ApiError::field(name, format!("at most {FIELD_BYTES_MAX} bytes")));
        }
    }
    String::from_utf8(bytes).map_err(|_| ApiError::field(name, "not UTF-8"))
}

fn parsed(field: &'static str, value: &str) -> Result<u8, ApiError> {
    value.trim().parse().map_err(|_| ApiError::field(field, "not a number from 1 to 10"))
}

fn malformed(error: &multra::Error) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "MALFORMED_BODY", format!("the form can't be read: {error}"))
}
