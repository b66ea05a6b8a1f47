// What is known of a document besides its text.
import type { ComponentChildren } from "preact";
import { Ago } from "../../components/time.tsx";
import { bytes, duration, number, percent } from "../../format.ts";
import { to } from "../../router.ts";
import type { Details } from "../../use-document.ts";
import { formatWord } from "../../words.ts";
import { confidenceWords } from "../../viewer/toolbar.tsx";

export function Facts({ task, dpi }: { task: Details; dpi: number | null }) {
  const facts: [string, ComponentChildren][] = [
    ["Engine", <>{task.engine} {task.engineDigest && <code title={task.engineDigest}>{task.engineDigest.slice(0, 12)}</code>}</>],
    ["Added", task.createdAt && <Ago at={task.createdAt} />],
    ["Time taken", task.startedAt && task.completedAt && duration(Date.parse(task.completedAt) - Date.parse(task.startedAt))],
    ["File", task.fileSize !== null && `${bytes(task.fileSize)}, ${task.mimeType ?? "unknown type"}`],
    ["Pages", task.pages ? `only ${task.pages}` : null],
    ["Resolution", dpi && `${number(dpi)} dpi`],
    ["Text", task.result && `${number(task.result.textLength)} characters`],
    ["Confidence", task.result?.confidence != null && confidenceWords(task.result.confidenceKind) && <>{percent(task.result.confidence)} <span class="hint">{confidenceWords(task.result.confidenceKind)}</span></>],
    ["Formats", task.formats.map(formatWord).join(", ")],
    ["If pages fail", task.onPageFailure === "partial" ? "the document is completed without them" : "the document fails"],
    ["Webhook", task.webhook && `${task.webhook.status}${task.webhook.error ? `: ${task.webhook.error.code} ${task.webhook.error.message}` : ""}`],
    ["SHA-256 of the file", task.fileHash && <code>{task.fileHash}</code>],
    ["Id", <code>{task.taskId}</code>],
  ];
  return (
    <details class="facts card">
      <summary>About this document</summary>
      <dl class="facts-list">
        {facts.filter(([, value]) => value).map(([name, value]) => (
          <div key={name}><dt>{name}</dt><dd>{value}</dd></div>
        ))}
      </dl>
      <p><a href={to(["documents", task.taskId, "history"])}>History: each step and attempt</a></p>
    </details>
  );
}
