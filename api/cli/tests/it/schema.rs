//! Holds answers to the description of the interface: as much of JSON Schema as it
//! uses.

use serde_json::Value;

/// The description.
pub(crate) struct Description(pub(crate) Value);

impl Description {
    /// What is wrong with `value`, and where. A field that the schema does not name
    /// is wrong, unless it names none.
    pub(crate) fn problems(&self, schema: &Value, value: &Value) -> Vec<String> {
        let mut found = Vec::new();
        self.check(schema, value, "$", &mut found);
        let fields = self.fields(schema);
        self.unknown(&fields, value, "$", &mut found);
        found
    }

    fn followed<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => self.0.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
            None => schema,
        }
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
        let schema = self.followed(schema);
        let mut wrong = |why: String| found.push(format!("{at}: {value} {why}"));
        if !is_of_type(&schema["type"], value) {
            wrong(format!("is no {}", schema["type"]));
        }
        if schema.get("const").is_some_and(|only| only != value) {
            wrong(format!("is not {}", schema["const"]));
        }
        if schema["enum"].as_array().is_some_and(|all| !all.contains(value)) {
            wrong(format!("is none of {}", schema["enum"]));
        }
        let below = |least: &Value| value.as_f64() < least.as_f64();
        if value.is_number() && schema.get("minimum").is_some_and(below) {
            wrong(format!("is less than {}", schema["minimum"]));
        }
        if let (Some(format), Some(text)) = (schema["format"].as_str(), value.as_str()) {
            let fits = match format {
                "uuid" => text.parse::<uuid::Uuid>().is_ok(),
                "date-time" => text.len() == 24 && text.ends_with('Z'),
                "uri" => url_like(text),
                other => panic!("{at}: nobody checks the format {other}"),
            };
            if !fits {
                wrong(format!("is no {format}"));
            }
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if value.is_object() && value.get(name).is_none() {
                wrong(format!("has no {name}"));
            }
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.check(part, value, at, found);
        }
        if let Some(choices) = schema["anyOf"].as_array() {
            let tried = choices.iter().map(|choice| self.problems(choice, value));
            let least = tried.min_by_key(Vec::len).unwrap();
            found.extend(least.into_iter().map(|problem| format!("{at}: {problem}")));
        }
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            if let Some(value) = value.get(name) {
                self.check(schema, value, &format!("{at}.{name}"), found);
            }
        }
        if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
            values.iter().for_each(|value| self.check(items, value, &format!("{at}[]"), found));
        }
    }

    /// The schemas that say which fields a value may have.
    fn fields<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        let schema = self.followed(schema);
        let parts = schema["allOf"].as_array().into_iter().flatten();
        let mut all: Vec<&Value> = parts.flat_map(|part| self.fields(part)).collect();
        all.push(schema);
        all
    }

    fn unknown(&self, schemas: &[&Value], value: &Value, at: &str, found: &mut Vec<String>) {
        let properties: Vec<_> =
            schemas.iter().filter_map(|schema| schema["properties"].as_object()).collect();
        for (name, value) in value.as_object().into_iter().flatten() {
            let of: Vec<&Value> = properties.iter().filter_map(|all| all.get(name)).collect();
            if !properties.is_empty() && of.is_empty() {
                found.push(format!("{at}.{name} is not described"));
            }
            let of: Vec<&Value> = of.into_iter().flat_map(|schema| self.fields(schema)).collect();
            self.unknown(&of, value, &format!("{at}.{name}"), found);
        }
        let items: Vec<&Value> = schemas.iter().filter_map(|schema| schema.get("items")).collect();
        let items: Vec<&Value> = items.into_iter().flat_map(|schema| self.fields(schema)).collect();
        for value in value.as_array().into_iter().flatten() {
            self.unknown(&items, value, &format!("{at}[]"), found);
        }
    }
}

fn url_like(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

fn is_of_type(kind: &Value, value: &Value) -> bool {
    match kind {
        Value::Null => true,
        Value::Array(kinds) => kinds.iter().any(|kind| is_of_type(kind, value)),
        kind => match kind.as_str().unwrap() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_u64() || value.is_i64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            other => panic!("there is no type {other}"),
        },
    }
}

#[test]
fn what_does_not_fit_is_found() {
    use serde_json::json;
    let part = json!({ "type": "object", "required": ["a"], "properties": { "a": { "type": ["integer", "null"] } } });
    let description = Description(json!({ "parts": { "part": part } }));
    let whole = json!({ "allOf": [
        { "$ref": "#/parts/part" },
        { "properties": { "b": { "type": "array", "items": { "$ref": "#/parts/part" } } } },
    ] });
    let problems = |value: Value| description.problems(&whole, &value).len();
    assert_eq!(problems(json!({ "a": 1, "b": [{ "a": null }] })), 0);
    for wrong in [
        json!({}),
        json!({ "a": "1" }),
        json!({ "a": 1, "c": 1 }),
        json!({ "a": 1, "b": [{}] }),
        json!({ "a": 1, "b": [{ "a": 1, "d": 1 }] }),
        json!({ "a": 1, "b": 1 }),
    ] {
        assert_eq!(problems(wrong.clone()), 1, "{wrong}");
    }
}
