//! Which store is meant.

use std::path::PathBuf;

use untxt_workflows::objects::{ObjectError, Objects, ObjectsConfig};

fn read(variables: &[(&str, &str)]) -> Result<ObjectsConfig, ObjectError> {
    let lookup =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    ObjectsConfig::from_lookup(lookup, PathBuf::from("/data/objects"))
}

#[test]
fn nothing_set_means_the_embedded_store() {
    let config = read(&[("AWS_CA_BUNDLE", "/etc/ca.pem"), ("AWS_PAGER", ""), ("S3_ENDPOINT", " ")]).unwrap();
    assert!(config.is_embedded());
    assert_eq!(config, ObjectsConfig::embedded(PathBuf::from("/data/objects")));
}

#[test]
fn an_endpoint_or_an_account_means_another_store() {
    for variable in [
        ("S3_ENDPOINT", "http://minio:9000"),
        ("AWS_ENDPOINT_URL", "https://s3.example"),
        ("AWS_PROFILE", "ocr"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/token"),
    ] {
        assert!(!read(&[variable]).unwrap().is_embedded(), "{variable:?}");
    }
}

#[test]
fn every_variable_lands_where_it_belongs() {
    let config = read(&[
        ("S3_ENDPOINT", "https://s3.example"),
        ("S3_BUCKET", "scans"),
        ("S3_REGION", "eu-west-1"),
        ("S3_KMS_KEY_ID", "arn:aws:kms:key"),
        ("S3_FORCE_PATH_STYLE", "false"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "hush"),
        ("AWS_SESSION_TOKEN", "token"),
    ])
    .unwrap();
    assert_eq!(config.endpoint.as_deref(), Some("https://s3.example"));
    assert_eq!((config.bucket.as_str(), config.region.as_deref()), ("scans", Some("eu-west-1")));
    assert_eq!(config.kms_key_id.as_deref(), Some("arn:aws:kms:key"));
    assert_eq!(config.force_path_style, Some(false));
    let pair = config.credentials.as_ref().unwrap();
    assert_eq!((pair.access_key_id.as_str(), pair.session_token.as_deref()), ("id", Some("token")));
    let shown = format!("{config:?}");
    assert!(!shown.contains("hush") && !shown.contains("token"), "{shown}");
}

#[test]
fn what_can_not_work_is_refused_by_the_name_of_its_setting() {
    for (variables, names) in [
        (&[("S3_KMS_KEY_ID", "key")][..], "S3_KMS_KEY_ID"),
        (&[("S3_BUCKET", "../elsewhere")], "S3_BUCKET"),
        (&[("S3_ENDPOINT", "minio:9000")], "S3_ENDPOINT"),
        (&[("S3_FORCE_PATH_STYLE", "perhaps")], "S3_FORCE_PATH_STYLE"),
        (&[("AWS_ACCESS_KEY_ID", "id")], "AWS_SECRET_ACCESS_KEY"),
    ] {
        let error = read(variables).unwrap_err();
        assert_eq!((error.code(), error.is_retryable()), ("OBJECT_CONFIG", false));
        assert!(error.to_string().contains(names), "{error}");
    }
}

#[tokio::test]
async fn the_embedded_store_is_not_started_with_a_kms_key() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("objects");
    let config = ObjectsConfig { kms_key_id: Some("key".into()), ..ObjectsConfig::embedded(root.clone()) };
    let error = Objects::connect(config).await.err().unwrap();
    assert!(error.to_string().contains("knows no KMS"), "{error}");
    assert!(!root.exists());
}
