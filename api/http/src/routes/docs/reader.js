"use strict";

// Shows the description. Text is only ever set as text: nothing of the
// description is taken for markup.
const make = (name, content, attributes = {}) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  const parts = Array.isArray(content) ? content : [content];
  element.append(...parts.filter((part) => part !== undefined && part !== null));
  return element;
};

const pretty = (value) => make("pre", typeof value === "string" ? value : JSON.stringify(value, null, 2));

const resolve = (root, schema) => {
  const path = schema && schema.$ref;
  return path ? path.slice(2).split("/").reduce((part, name) => part[name], root) : schema;
};

const kind = (schema) => {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  const type = Array.isArray(schema.type) ? schema.type.join(" or ") : schema.type || "";
  const bounds = [schema.minimum, schema.maximum].some((bound) => bound !== undefined)
    ? ` ${schema.minimum ?? ""}…${schema.maximum ?? ""}` : "";
  return schema.enum ? schema.enum.join(", ") : type + (schema.format ? ` (${schema.format})` : "") + bounds;
};

const table = (heads, rows) => make("table", [
  make("thead", make("tr", heads.map((head) => make("th", head)))),
  make("tbody", rows.map((row) => make("tr", row.map((cell) => make("td", cell))))),
]);

const parameters = (list) => list.length === 0 ? null : table(["parameter", "in", "is", "means"], list.map((one) => [
  make("code", one.name + (one.required ? " *" : "")), one.in, kind(one.schema), one.description,
]));

const content = (root, body) => Object.entries(body || {}).flatMap(([type, part]) => {
  const shown = [make("p", make("code", type))];
  const fields = resolve(root, part.schema)?.properties;
  if (fields && type !== "application/json") {
    shown.push(table(["field", "is", "means"], Object.entries(fields).map(([name, schema]) =>
      [make("code", name), kind(schema), schema.description])));
  }
  if (part.example !== undefined) shown.push(pretty(part.example));
  return shown;
});

const answer = (root, [status, response]) => {
  const codes = Object.keys(Object.values(response.content || {})[0]?.examples || {});
  const title = make("summary", [make("code", status), " ", codes.length ? codes.join(", ") : response.description]);
  const inside = codes.length ? [make("p", response.description)] : content(root, response.content);
  return make("details", [title, ...inside]);
};

const operation = (root, path, method, one) => make("section", [
  make("h3", [make("span", method.toUpperCase(), { class: "method" }), make("code", path)]),
  make("p", one.summary + ". " + (one.description || "")),
  parameters(one.parameters || []),
  ...(one.requestBody ? [make("h4", "Body"), ...content(root, one.requestBody.content)] : []),
  make("h4", "Answers"),
  ...Object.entries(one.responses).map((entry) => answer(root, entry)),
], { id: one.operationId });

const show = (root) => {
  document.getElementById("about").textContent = `${root.info.summary} Version ${root.info.version}.`;
  const main = document.getElementById("operations");
  const contents = document.getElementById("contents");
  main.replaceChildren();
  for (const tag of root.tags) {
    const links = [];
    main.append(make("h2", tag.description));
    for (const [path, methods] of Object.entries(root.paths)) {
      for (const [method, one] of Object.entries(methods)) {
        if (!one.tags.includes(tag.name)) continue;
        links.push(make("li", make("a", one.summary, { href: `#${one.operationId}` })));
        main.append(operation(root, path, method, one));
      }
    }
    contents.append(make("h2", tag.name), make("ul", links));
  }
  const schemas = Object.entries(root.components.schemas).map(([name, schema]) =>
    make("details", [make("summary", make("code", name)), pretty(schema)]));
  main.append(make("h2", "Shapes"), ...schemas);
};

// Below whatever path the page lies.
fetch("api/openapi.json")
  .then((response) => response.ok ? response.json() : Promise.reject(new Error(`HTTP ${response.status}`)))
  .then(show)
  .catch((error) => {
    document.getElementById("operations").textContent = `The description can't be fetched: ${error.message}.`;
  });
