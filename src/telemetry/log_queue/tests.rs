use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// An output that is blocked until the test reads from it.
struct Unread(Sender<Vec<u8>>, Receiver<()>);

impl Write for Unread {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.recv().map_err(io::Error::other)?;
        self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_beyond_the_capacity_are_dropped_and_the_others_keep_their_order() {
    let (sender, written) = channel();
    let (read, reads) = channel();
    let queue = LogQueue::writing_to(Unread(sender, reads)).unwrap();
    queue.push(b"first\n");
    // The writer has taken the first line, and is blocked with it.
    while !queue.lock().lines.is_empty() {
        std::thread::yield_now();
    }
    let line = [b"x".repeat(MAX_QUEUED_BYTES / 4 - 1), b"\n".to_vec()].concat();
    for _ in 0..4 {
        queue.push(&line);
    }
    assert_eq!(queue.lock().dropped, 0);
    queue.push(b"dropped\n");
    assert_eq!(queue.lock().dropped, 1);
    queue.flush(Duration::ZERO);

    read.send(()).unwrap();
    assert_eq!(written.recv().unwrap(), b"first\n");
    read.send(()).unwrap();
    assert_eq!(written.recv().unwrap(), line.repeat(4));
    queue.flush(Duration::from_mins(1));
    assert_eq!((queue.lock().lines.len(), queue.lock().dropped), (0, 0));
}

#[test]
fn lines_after_a_failed_write_are_written() {
    struct FailsOnce(Sender<Vec<u8>>, bool);
    impl Write for FailsOnce {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !std::mem::replace(&mut self.1, true) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let first = bytes.get(..1).unwrap();
            self.0.send(first.to_vec()).unwrap();
            Ok(first.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (sender, written) = channel();
    let queue = LogQueue::writing_to(FailsOnce(sender, false)).unwrap();
    queue.push(b"lost\n");
    queue.flush(Duration::from_mins(1));
    queue.push(b"kept\n");
    queue.flush(Duration::from_mins(1));
    assert_eq!(written.try_iter().flatten().collect::<Vec<_>>(), b"kept\n");
}
