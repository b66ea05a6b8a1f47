//! What a collector of traces is told.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Told;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use uuid::Uuid;

use crate::client::Upload;
use crate::home::Home;
use crate::receiver::Receiver;
use crate::samples;
use crate::server::Server;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

#[tokio::test]
async fn an_upload_its_steps_and_its_pages_are_one_trace_through_two_processes() {
    let mut collector = Receiver::start().await;
    let home = Home::new()
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url(""))
        .with("OTEL_BSP_SCHEDULE_DELAY", &50);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let _worker = Server::start_worker(&home);
    // Of its second page something is lost, which is logged in the step.
    let upload = Upload::new(Uuid::new_v4(), "a.pdf", samples::pdf_with_a_damaged_picture(2, 2));
    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    let answer = server.client().upload_with(("traceparent", &traceparent), upload).await;
    assert_eq!(answer.status, 201, "{answer:?}");

    let mut spans: Vec<Span> = Vec::new();
    let named = |spans: &[Span], name: &str| spans.iter().any(|span| span.name == name);
    while !named(&spans, "ocr.finalize") || !named(&spans, "POST /api/tasks") {
        let received = collector.next().await;
        assert_eq!(received.path, "/v1/traces");
        spans.extend(spans_of(&received.body));
    }
    let upload = spans.iter().find(|span| span.name == "POST /api/tasks").unwrap();
    assert_eq!(hex::encode(&upload.parent_span_id), CALLER);
    let id = upload.attributes.iter().find(|attribute| attribute.key == "untxt.request_id").unwrap();
    let id = id.value.clone().unwrap().value.unwrap();
    let request_id = answer.request_id.unwrap();
    assert_eq!(id, Told::StringValue(request_id.clone()), "by which the log is found");
    let of_trace = format!("trace_id={TRACE}");
    let log = std::fs::read_to_string(server.log()).unwrap();
    for of_its_own in [&request_id, "step{"] {
        let mut lines = log.lines().filter(|line| line.contains(of_its_own)).peekable();
        assert!(lines.peek().is_some() && lines.all(|line| line.contains(&of_trace)), "{of_its_own}: {log}");
    }
    let mut steps: Vec<(String, Option<i64>)> = Vec::new();
    for span in &spans {
        assert_eq!(hex::encode(&span.trace_id), TRACE, "{span:?}");
        if span.name != upload.name {
            assert_eq!(span.parent_span_id, upload.span_id, "{span:?}");
            steps.push((span.name.clone(), number(span, "untxt.item")));
        }
    }
    steps.sort();
    let name = str::to_owned;
    let expected = [
        (name("ocr.download"), None),
        (name("ocr.finalize"), None),
        (name("ocr.ocr"), Some(0)),
        (name("ocr.ocr"), Some(1)),
        (name("ocr.upload-result"), None),
    ];
    assert_eq!(steps, expected);
}

#[tokio::test]
async fn a_collector_that_is_away_holds_up_nothing() {
    let home = Home::new()
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
        .with("OTEL_BSP_SCHEDULE_DELAY", &50);
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut socket = client.socket(user).await;
    let task = client.accepted(Upload::new(user, "a.pdf", samples::pdf(1))).await;
    assert_eq!(socket.end_of(&task).await, "completed");
    let began = std::time::Instant::now();
    assert_eq!(server.terminate().code(), Some(0));
    assert!(began.elapsed() < std::time::Duration::from_secs(10), "it took {:?}", began.elapsed());
    let log = std::fs::read_to_string(home.path("server.log")).unwrap();
    assert!(log.contains("can't export spans"), "{log}");
}

fn spans_of(body: &[u8]) -> Vec<Span> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut spans = Vec::new();
    for resource in request.resource_spans {
        let attributes = resource.resource.unwrap().attributes;
        let name = attributes.iter().find(|attribute| attribute.key == "service.name").unwrap();
        let name = name.value.clone().unwrap().value.unwrap();
        assert_eq!(name, Told::StringValue("untxt".to_owned()));
        spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
    }
    spans
}

fn number(span: &Span, key: &str) -> Option<i64> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Told::IntValue(number) => Some(*number),
        other => panic!("{key} is {other:?}"),
    }
}
