use super::*;

fn open(name: &str, bytes: &[u8], words: Option<&str>) -> Result<Vectors> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), bytes).unwrap();
    std::fs::write(folder.path().join("words.txt"), words.unwrap_or_default()).unwrap();
    let files = Files::Folder(folder.path().to_owned());
    Vectors::open(&files, name, words.map(|_| "words.txt"))
}

fn get(vectors: &Vectors, word: &str) -> Option<Vec<f32>> {
    vectors.get(word).unwrap()
}

const GLOVE: &str = "the 0.5 -1e-2\n, 3 4\nBjörk 5 6\nNew York 7 8\nthe 9 9\n";

#[test]
fn text_is_read_with_and_without_a_first_line() {
    for text in [GLOVE.to_owned(), format!("5 2\n{GLOVE}"), GLOVE.replace('\n', " \r\n")] {
        let vectors = open("glove.txt", text.as_bytes(), None).unwrap();
        assert_eq!((vectors.width(), vectors.words()), (2, 5));
        assert_eq!(get(&vectors, "the"), Some(vec![0.5, -0.01]));
        assert_eq!(get(&vectors, "Björk"), Some(vec![5.0, 6.0]));
        assert_eq!(get(&vectors, "New York"), Some(vec![7.0, 8.0]));
        assert_eq!(get(&vectors, "New"), None);
        assert_eq!(get(&vectors, ""), None);
    }
}

fn word2vec() -> Vec<u8> {
    let mut bytes = b"2 2\n".to_vec();
    for (word, vector) in [("a", [1f32, 2.0]), ("\nBj\u{f6}rk", [3.0, 4.0])] {
        bytes.extend(word.bytes().chain(*b" "));
        bytes.extend(vector.iter().flat_map(|n| n.to_le_bytes()));
    }
    bytes
}

#[test]
fn the_binary_format_is_read() {
    let vectors = open("w2v.bin", &word2vec(), None).unwrap();
    assert_eq!((vectors.width(), vectors.words()), (2, 2));
    assert_eq!(get(&vectors, "a"), Some(vec![1.0, 2.0]));
    assert_eq!(get(&vectors, "Björk"), Some(vec![3.0, 4.0]));
    assert_eq!(get(&vectors, "b"), None);
}

fn safetensors(shape: &str) -> Vec<u8> {
    let header =
        format!(r#"{{"vectors":{{"dtype":"F32","shape":{shape},"data_offsets":[0,24]}}}}"#);
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.bytes());
    bytes.extend((0..6).flat_map(|n| (n as f32).to_le_bytes()));
    bytes
}

#[test]
fn a_matrix_has_its_words_in_another_file() {
    let words = Some("x\nyy\n");
    let vectors = open("v.safetensors", &safetensors("[3,2]"), words).unwrap();
    assert!(vectors.bytes.is_mapped());
    assert_eq!((vectors.width(), vectors.words()), (2, 2));
    assert_eq!(get(&vectors, "yy"), Some(vec![2.0, 3.0]));
    assert_eq!(get(&vectors, "y"), None);
    assert_eq!(vectors.unknown().unwrap(), [4.0, 5.0]);
    let vectors = open("v.safetensors", &safetensors("[2,3]"), words).unwrap();
    assert_eq!(vectors.unknown().unwrap(), [0.0; 3]);
}

#[test]
fn what_is_damaged_is_told_with_its_place() {
    let told = |name: &str, bytes: &[u8], words: Option<&str>| {
        let error = open(name, bytes, words).err().unwrap();
        assert!(error.location().is_some(), "{error}");
        error.to_string()
    };
    assert!(told("a.txt", b"", None).contains("no word with a vector"));
    assert!(told("a.txt", b"a 1 2\nb 1\n", None).contains("a.txt:2"));
    assert!(told("a.bin", b"one two\n", None).contains("not two numbers"));
    assert!(told("a.bin", &word2vec()[..20], None).contains("word 2 of 2"));
    assert!(told("a.safetensors", &safetensors("[3,2]"), None).contains("vocabulary"));
    assert!(told("a.safetensors", &safetensors("[3,2]"), Some("x\n")).contains("1 words"));
    assert!(told("a.safetensors", &safetensors("[4,2]"), Some("x\n")).contains("cut off"));
    assert!(told("a.safetensors", &safetensors("[6]"), Some("x\n")).contains("one matrix"));
    assert!(told("a.txt", GLOVE.as_bytes(), Some("x\n")).contains("itself"));
    for length in 0..20 {
        let _ = open("a.safetensors", &safetensors("[3,2]")[..length], Some("x\ny\n"));
        let _ = open("a.bin", &word2vec()[..length], None);
    }
    let wrong = open("a.txt", b"a 1 2\nb x 2\n", None).unwrap();
    assert!(wrong.get("b").unwrap_err().to_string().contains("'b' is no vector of 2 numbers"));
}
