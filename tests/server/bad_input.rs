//! Whatever a client sends: the answer is that of the official server, and nobody else notices.

use mesahub::hub::{Ending, HubOptions};

use crate::honest::Honest;
use crate::support::{Raw, Sent, Server};

/// What the server does about a message.
enum Answer {
    /// Says goodbye with an error, of which this is the detail.
    Fatal(&'static str),
    /// Answers the call, and goes on.
    Completes(&'static str),
    /// Says nothing, and goes on.
    Ignores,
}

use Answer::{Completes, Fatal, Ignores};

const MARKER: &str =
    "{\"type\":1,\"invocationId\":\"marker\",\"target\":\"Add\",\"arguments\":[40,2]}";
const MARKED: &str = "{\"type\":3,\"invocationId\":\"marker\",\"result\":42}";

const ENVELOPES: &[(&str, Answer)] = &[
    (
        "",
        Fatal("malformed message: EOF while parsing a value at line 1 column 0"),
    ),
    (
        "{\"type\":1,",
        Fatal("malformed message: EOF while parsing a value at line 1 column 10"),
    ),
    (
        "{\"type\":6} 6",
        Fatal("malformed message: trailing characters at line 1 column 12"),
    ),
    (
        "[6]",
        Fatal(
            "malformed message: invalid type: sequence, expected a message to be an object at line 1 column 0",
        ),
    ),
    (
        "6",
        Fatal(
            "malformed message: invalid type: integer `6`, expected a message to be an object at line 1 column 1",
        ),
    ),
    (
        "\"ping\"",
        Fatal(
            "malformed message: invalid type: string \"ping\", expected a message to be an object at line 1 column 6",
        ),
    ),
    (
        "null",
        Fatal(
            "malformed message: invalid type: null, expected a message to be an object at line 1 column 4",
        ),
    ),
    (
        "{}",
        Fatal("a message of type ? requires the property 'type'"),
    ),
    (
        "{\"TYPE\":6}",
        Fatal("a message of type ? requires the property 'type'"),
    ),
    (
        "{\"type\":null}",
        Fatal(
            "malformed message: invalid type: null, expected 'type' to be an integer at line 1 column 12",
        ),
    ),
    (
        "{\"type\":\"6\"}",
        Fatal(
            "malformed message: invalid type: string \"6\", expected 'type' to be an integer at line 1 column 11",
        ),
    ),
    (
        "{\"type\":6.5}",
        Fatal(
            "malformed message: invalid type: floating point `6.5`, expected 'type' to be an integer at line 1 column 11",
        ),
    ),
    (
        "{\"type\":6,\"headers\":[]}",
        Fatal(
            "malformed message: invalid type: sequence, expected 'headers' to be an object of strings at line 1 column 20",
        ),
    ),
    (
        "{\"type\":6,\"headers\":{\"a\":1}}",
        Fatal(
            "malformed message: invalid type: integer `1`, expected 'headers' to be a string at line 1 column 26",
        ),
    ),
    (
        "{\"type\":6,\"unknown\":[1,{\"a\":null}],\"type2\":null}",
        Ignores,
    ),
    (
        "{\"type\":6,\"headers\":{\"traceparent\":\"00-1-2-03\"}}",
        Ignores,
    ),
    ("{\"type\":99}", Ignores),
    ("{\"type\":-1,\"target\":\"Add\"}", Ignores),
    ("{\"type\":0}", Ignores),
    (
        "{\"type\":8}",
        Fatal("a message of type Ack requires the property 'sequenceId'"),
    ),
    (
        "{\"type\":9}",
        Fatal("a message of type Sequence requires the property 'sequenceId'"),
    ),
    (
        "{\"type\":9,\"sequenceId\":\"1\"}",
        Fatal(
            "malformed message: invalid type: string \"1\", expected 'sequenceId' to be an integer at line 1 column 26",
        ),
    ),
    ("{\"type\":8,\"sequenceId\":1}", Ignores),
    ("{\"type\":9,\"sequenceId\":1000}", Ignores),
];

const INVOCATIONS: &[(&str, Answer)] = &[
    (
        "{\"type\":1,\"invocationId\":null,\"target\":\"Add\",\"arguments\":[1,2]}",
        Fatal(
            "malformed message: invalid type: null, expected 'invocationId' to be a string at line 1 column 29",
        ),
    ),
    (
        "{\"type\":1,\"invocationId\":1,\"target\":\"Add\",\"arguments\":[1,2]}",
        Fatal(
            "malformed message: invalid type: integer `1`, expected 'invocationId' to be a string at line 1 column 26",
        ),
    ),
    (
        "{\"type\":1,\"target\":null,\"arguments\":[]}",
        Fatal(
            "malformed message: invalid type: null, expected 'target' to be a string at line 1 column 23",
        ),
    ),
    (
        "{\"type\":1,\"target\":7,\"arguments\":[]}",
        Fatal(
            "malformed message: invalid type: integer `7`, expected 'target' to be a string at line 1 column 20",
        ),
    ),
    (
        "{\"type\":1,\"invocationId\":\"1\",\"arguments\":[]}",
        Fatal("a message of type Invocation requires the property 'target'"),
    ),
    (
        "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Add\"}",
        Fatal("a message of type Invocation requires the property 'arguments'"),
    ),
    (
        "{\"type\":1,\"target\":\"Add\",\"arguments\":{}}",
        Fatal(
            "malformed message: invalid type: map, expected 'arguments' to be an array at line 1 column 37",
        ),
    ),
    (
        "{\"type\":1,\"target\":\"Add\",\"arguments\":null}",
        Fatal(
            "malformed message: invalid type: null, expected 'arguments' to be an array at line 1 column 41",
        ),
    ),
    (
        "{\"type\":1,\"target\":\"Add\",\"arguments\":[1,2],\"streamIds\":\"1\"}",
        Fatal(
            "malformed message: invalid type: string \"1\", expected 'streamIds' to be an array of strings at line 1 column 58",
        ),
    ),
    (
        "{\"type\":1,\"target\":\"Add\",\"arguments\":[1,2],\"streamIds\":[null]}",
        Fatal(
            "malformed message: invalid type: null, expected 'streamIds' to be a string at line 1 column 60",
        ),
    ),
    (
        "{\"type\":1,\"target\":\"Add\",\"arguments\":[1,2],\"error\":null}",
        Fatal(
            "malformed message: invalid type: null, expected 'error' to be a string at line 1 column 55",
        ),
    ),
    (
        "{\"type\":4,\"target\":\"Add\",\"arguments\":[]}",
        Fatal("a message of type StreamInvocation requires the property 'invocationId'"),
    ),
    (
        "{\"type\":4,\"invocationId\":\"\",\"target\":\"Add\",\"arguments\":[]}",
        Fatal("a message of type StreamInvocation requires the property 'invocationId'"),
    ),
    (
        "{\"type\":1,\"invocationId\":\"7\",\"target\":\"Nope\",\"arguments\":[]}",
        Completes(
            "Failed to invoke 'Nope' due to an error on the server. HubException: Method does not exist.",
        ),
    ),
    (
        "{\"type\":4,\"invocationId\":\"7\",\"target\":\"Nope\",\"arguments\":[]}",
        Completes(
            "Failed to invoke 'Nope' due to an error on the server. HubException: Method does not exist.",
        ),
    ),
    (
        "{\"type\":1,\"invocationId\":\"7\",\"target\":\"Members\",\"arguments\":[]}",
        Completes("Failed to invoke 'Members' because user is unauthorized"),
    ),
    (
        "{\"type\":1,\"invocationId\":\"7\",\"target\":\"add\",\"arguments\":[1,2],\"streamIds\":[\"1\"]}",
        Completes(
            "An unexpected error occurred invoking 'Add' on the server. HubException: Client sent 1 stream(s), Hub method expects 0.",
        ),
    ),
    (
        "{\"type\":4,\"invocationId\":\"7\",\"target\":\"add\",\"arguments\":[1,2]}",
        Completes(
            "The client attempted to invoke the non-streaming 'Add' method with a streaming invocation.",
        ),
    ),
    ("{\"type\":1,\"target\":\"Nope\",\"arguments\":[]}", Ignores),
    ("{\"type\":1,\"target\":\"Add\",\"arguments\":[1]}", Ignores),
    (
        "{\"type\":1,\"target\":\"Members\",\"arguments\":[]}",
        Ignores,
    ),
    (
        "{\"type\":1,\"invocationId\":\"\",\"target\":\"Fail\",\"arguments\":[]}",
        Ignores,
    ),
];

const STREAMS: &[(&str, Answer)] = &[
    (
        "{\"type\":2,\"item\":1}",
        Fatal("a message of type StreamItem requires the property 'invocationId'"),
    ),
    (
        "{\"type\":2,\"invocationId\":\"1\"}",
        Fatal("a message of type StreamItem requires the property 'item'"),
    ),
    (
        "{\"type\":3,\"result\":1}",
        Fatal("a message of type Completion requires the property 'invocationId'"),
    ),
    (
        "{\"type\":3,\"invocationId\":\"\",\"result\":1}",
        Fatal("a message of type Completion requires the property 'invocationId'"),
    ),
    (
        "{\"type\":3,\"invocationId\":\"1\",\"result\":1,\"error\":\"x\"}",
        Fatal("a message of type Completion has 'error' or 'result', not both"),
    ),
    (
        "{\"type\":3,\"invocationId\":\"1\",\"error\":null}",
        Fatal(
            "malformed message: invalid type: null, expected 'error' to be a string at line 1 column 41",
        ),
    ),
    (
        "{\"type\":3,\"invocationId\":\"1\",\"error\":{}}",
        Fatal(
            "malformed message: invalid type: map, expected 'error' to be a string at line 1 column 37",
        ),
    ),
    (
        "{\"type\":5}",
        Fatal("a message of type CancelInvocation requires the property 'invocationId'"),
    ),
    (
        "{\"type\":7,\"error\":null}",
        Fatal(
            "malformed message: invalid type: null, expected 'error' to be a string at line 1 column 22",
        ),
    ),
    (
        "{\"type\":2,\"invocationId\":\"404\",\"item\":null}",
        Ignores,
    ),
    ("{\"type\":3,\"invocationId\":\"404\"}", Ignores),
    (
        "{\"type\":3,\"invocationId\":\"404\",\"result\":null}",
        Ignores,
    ),
    (
        "{\"type\":3,\"invocationId\":\"404\",\"error\":\"x\"}",
        Ignores,
    ),
    ("{\"type\":5,\"invocationId\":\"404\"}", Ignores),
];

#[tokio::test]
async fn malformed_envelopes_end_only_their_own_connection() {
    send_all(ENVELOPES).await;
}

#[tokio::test]
async fn malformed_invocations_end_only_their_own_connection() {
    send_all(INVOCATIONS).await;
}

#[tokio::test]
async fn malformed_stream_messages_end_only_their_own_connection() {
    send_all(STREAMS).await;
}

#[tokio::test]
async fn a_message_over_the_limit_is_fatal_before_it_is_complete() {
    let detail = "The maximum message size of 32768B was exceeded. The message size can be configured in AddHubOptions.";
    for detailed in [false, true] {
        let server = server(detailed).await;
        let mut honest = Honest::connect(&server).await;
        let mut raw = Raw::connect(&server).await;
        raw.text("x".repeat(20_000)).await;
        raw.text("x".repeat(12_768)).await;
        raw.part_with(&goodbye(detail, detailed)).await;
        leaves(&server, &raw, detail).await;
        honest.are_untouched(&server, "an oversized message").await;
    }
}

#[tokio::test]
async fn a_message_as_large_as_the_limit_is_served() {
    let server = Server::start().await;
    let mut raw = Raw::connect(&server).await;
    let frame =
        "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Echo\",\"arguments\":[\"\"]}\u{1e}";
    let text = "x".repeat(32_768 - frame.len());
    raw.text(frame.replace("\"\"", &format!("\"{text}\"")))
        .await;
    let echo = format!("{{\"type\":3,\"invocationId\":\"1\",\"result\":\"{text}\"}}");
    assert_eq!(raw.receive().await, Sent::text(&echo));
}

#[tokio::test]
async fn bytes_that_are_not_utf_8_are_fatal() {
    for detailed in [false, true] {
        let server = server(detailed).await;
        let mut honest = Honest::connect(&server).await;
        let mut raw = Raw::connect(&server).await;
        raw.binary(b"{\"type\":6,\"a\":\"\xff\"}\x1e").await;
        let detail = "the message is not UTF-8: invalid utf-8 sequence of 1 bytes from index 15";
        raw.part_with(&goodbye(detail, detailed)).await;
        leaves(&server, &raw, detail).await;
        honest.are_untouched(&server, "not UTF-8").await;
    }
}

#[tokio::test]
async fn arguments_nested_beyond_measure_fail_their_own_call() {
    let server = Server::start().await;
    let mut raw = Raw::connect(&server).await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    raw.text(format!(
        "{{\"type\":1,\"invocationId\":\"1\",\"target\":\"Echo\",\"arguments\":[{deep}]}}\u{1e}"
    ))
    .await;
    let failed = "{\"type\":3,\"invocationId\":\"1\",\"error\":\"Failed to invoke 'Echo' due to an error on the server.\"}";
    assert_eq!(raw.receive().await, Sent::text(failed));
    raw.text(format!("{MARKER}\u{1e}")).await;
    assert_eq!(raw.receive().await, Sent::text(MARKED));
}

#[tokio::test]
async fn a_stream_that_ends_in_a_message_says_so_to_the_disconnect_handler() {
    let server = Server::start().await;
    let mut honest = Honest::connect(&server).await;
    let mut raw = Raw::connect(&server).await;
    raw.text("{\"type\":1,\"target\":").await;
    raw.hang_up().await;
    let ending = Ending::TransportLost("Connection terminated while reading a message.".to_owned());
    assert_eq!(server.stage.ending_of(raw.id).await, ending);
    assert_eq!(raw.receive().await, Sent::End);
    server.counts(2).await;
    honest.are_untouched(&server, "half a message").await;
}

#[tokio::test]
async fn an_id_that_is_used_twice_is_answered_twice() {
    let server = Server::start().await;
    let mut raw = Raw::connect(&server).await;
    raw.text(format!("{MARKER}\u{1e}{MARKER}\u{1e}")).await;
    assert_eq!(raw.receive().await, Sent::text(MARKED));
    assert_eq!(raw.receive().await, Sent::text(MARKED));
}

#[tokio::test]
async fn nothing_behind_a_fatal_message_is_acted_on() {
    let server = Server::start().await;
    let mut raw = Raw::connect(&server).await;
    let note = "{\"type\":1,\"target\":\"Note\",\"arguments\":[\"late\"]}";
    raw.text(format!("{{\u{1e}{note}\u{1e}{MARKER}\u{1e}"))
        .await;
    raw.text(format!("{note}\u{1e}")).await;
    raw.part_with(&goodbye("", false)).await;
    let mut next = Raw::connect(&server).await;
    next.text(format!("{}\u{1e}", note.replace("late", "next")))
        .await;
    assert_eq!(server.stage.notes(1).await, ["next"]);
}

async fn send_all(rows: &[(&str, Answer)]) {
    for detailed in [false, true] {
        let server = server(detailed).await;
        let mut honest = Honest::connect(&server).await;
        for (message, answer) in rows {
            let mut raw = Raw::connect(&server).await;
            raw.text(format!("{message}\u{1e}")).await;
            match answer {
                Fatal(detail) => {
                    let last = goodbye(detail, detailed);
                    assert_eq!(raw.receive().await, Sent::text(&last), "{message}");
                    raw.part().await;
                    leaves(&server, &raw, detail).await;
                }
                Completes(error) => {
                    let completion =
                        format!("{{\"type\":3,\"invocationId\":\"7\",\"error\":\"{error}\"}}");
                    assert_eq!(raw.receive().await, Sent::text(&completion), "{message}");
                    goes_on(&server, raw, message).await;
                }
                Ignores => goes_on(&server, raw, message).await,
            }
            honest.are_untouched(&server, message).await;
        }
    }
}

/// The connection still answers, and nothing came before the answer.
async fn goes_on(server: &Server, mut raw: Raw, after: &str) {
    raw.text(format!("{MARKER}\u{1e}")).await;
    assert_eq!(raw.receive().await, Sent::text(MARKED), "{after}");
    raw.text("{\"type\":7}\u{1e}").await;
    raw.part_with("{\"type\":7}").await;
    let ending = server.stage.ending_of(raw.id).await;
    assert_eq!(ending, Ending::ClientClosed(None), "{after}");
    server.counts(2).await;
}

/// The connection has ended for this reason and is registered no more.
async fn leaves(server: &Server, raw: &Raw, detail: &str) {
    let ending = server.stage.ending_of(raw.id).await;
    assert_eq!(ending, Ending::ProtocolViolation(detail.to_owned()));
    server.counts(2).await;
}

fn goodbye(detail: &str, detailed: bool) -> String {
    let mut error = "Connection closed with an error.".to_owned();
    if detailed {
        error = format!("{error} InvalidDataException: {detail}");
    }
    let error = serde_json::Value::from(error);
    format!("{{\"type\":7,\"error\":{error},\"allowReconnect\":true}}")
}

async fn server(enable_detailed_errors: bool) -> Server {
    Server::with(HubOptions {
        enable_detailed_errors,
        ..HubOptions::default()
    })
    .await
}
