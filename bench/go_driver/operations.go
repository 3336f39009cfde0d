package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	storagedriver "github.com/docker/distribution/registry/storage/driver"
)

// The same names as in bench/driver/operations.cpp: either program reads what the other has left.
const (
	filePath     = "/compare/file"
	movedPath    = "/compare/moved"
	smallPath    = "/compare/small"
	missingPath  = "/compare/missing"
	treePath     = "/compare/tree"
	pieceBytes   = 32 << 10 // io.Copy's, by which docker-registry passes a layer on
	periodBytes  = 1048583  // a prime: no part and no piece is a multiple of it
	contentState = uint64(0x9e3779b97f4a7c15)
)

// content is what the files hold: each byte follows from its offset.
type content struct {
	period []byte
}

func newContent() content {
	period := make([]byte, periodBytes)
	state := contentState
	for i := range period {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		period[i] = byte(state)
	}
	return content{period}
}

// from gives the bytes from offset on, as many as lie together: at least one, most at most.
func (c content) from(offset, most int64) []byte {
	at := offset % periodBytes
	if together := periodBytes - at; most > together {
		most = together
	}
	return c.period[at : at+most]
}

func (c content) check(offset int64, piece []byte) error {
	for len(piece) > 0 {
		expected := c.from(offset, int64(len(piece)))
		if !bytes.Equal(piece[:len(expected)], expected) {
			return fmt.Errorf("the bytes read differ from those written, after %d", offset)
		}
		offset += int64(len(expected))
		piece = piece[len(expected):]
	}
	return nil
}

// run is one run of an operation.
type run struct {
	driver  storagedriver.StorageDriver
	context context.Context
	options options
	content content
	bytes   int64 // of file content that went through
}

type operation func(*run) error

var operations = map[string]operation{
	"writer":       (*run).writeFiles,
	"reader":       (*run).readFiles,
	"put_content":  (*run).putSmall,
	"get_content":  (*run).getSmall,
	"stat":         (*run).statSmall,
	"stat_missing": (*run).statMissing,
	"list":         (*run).listTree,
	"move":         (*run).moveFile,
	"delete":       (*run).deleteTree,
}

// times calls step with 0, 1, ... until it has been called as often as asked for.
func (r *run) times(step func(int) error) error {
	for i := 0; i < r.options.count; i++ {
		if err := step(i); err != nil {
			return err
		}
	}
	return nil
}

func numbered(directory string, number int) string {
	return fmt.Sprintf("%s/%05d", directory, number)
}

func (r *run) writeFiles() error {
	return r.times(func(int) error { return r.writeFile(filePath) })
}

func (r *run) writeFile(path string) error {
	writer, err := r.driver.Writer(r.context, path, false)
	if err != nil {
		return err
	}
	if err := r.writePieces(writer); err != nil {
		writer.Cancel()
		return err
	}
	if err := writer.Commit(); err != nil {
		return err
	}
	return writer.Close()
}

func (r *run) writePieces(writer io.Writer) error {
	for at := int64(0); at < r.options.size; {
		most := r.options.size - at
		if most > pieceBytes {
			most = pieceBytes
		}
		written, err := writer.Write(r.content.from(at, most))
		if err != nil {
			return err
		}
		at += int64(written)
		r.bytes += int64(written)
	}
	return nil
}

func (r *run) readFiles() error {
	piece := make([]byte, pieceBytes)
	return r.times(func(int) error { return r.readFile(filePath, piece) })
}

func (r *run) readFile(path string, piece []byte) error {
	reader, err := r.driver.Reader(r.context, path, 0)
	if err != nil {
		return err
	}
	defer reader.Close()
	offset := int64(0)
	for err == nil {
		var size int
		size, err = reader.Read(piece)
		if r.options.verify {
			if wrong := r.content.check(offset, piece[:size]); wrong != nil {
				return wrong
			}
		}
		offset += int64(size)
	}
	r.bytes += offset
	if err != io.EOF {
		return err
	}
	return expectSize(path, offset, r.options.size)
}

func expectSize(path string, size, expected int64) error {
	if size != expected {
		return fmt.Errorf("%s has %d bytes of %d", path, size, expected)
	}
	return nil
}

func (r *run) putSmall() error {
	whole := r.content.from(0, r.options.size)
	return r.times(func(i int) error {
		r.bytes += int64(len(whole))
		return r.driver.PutContent(r.context, numbered(smallPath, i), whole)
	})
}

func (r *run) getSmall() error {
	return r.times(func(i int) error {
		path := numbered(smallPath, i)
		whole, err := r.driver.GetContent(r.context, path)
		if err != nil {
			return err
		}
		r.bytes += int64(len(whole))
		if r.options.verify {
			if err := r.content.check(0, whole); err != nil {
				return err
			}
		}
		return expectSize(path, int64(len(whole)), r.options.size)
	})
}

func (r *run) statSmall() error {
	return r.times(func(i int) error {
		path := numbered(smallPath, i)
		info, err := r.driver.Stat(r.context, path)
		if err != nil {
			return err
		}
		return expectSize(path, info.Size(), r.options.size)
	})
}

func (r *run) statMissing() error {
	return r.times(func(i int) error {
		path := numbered(missingPath, i)
		_, err := r.driver.Stat(r.context, path)
		if errors.As(err, &storagedriver.PathNotFoundError{}) {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("%s is there", path)
		}
		return err
	})
}

func (r *run) listTree() error {
	return r.times(func(int) error {
		paths, err := r.driver.List(r.context, treePath)
		if err == nil && len(paths) != r.options.files {
			err = fmt.Errorf("%d files listed of %d", len(paths), r.options.files)
		}
		return err
	})
}

// moveFile leaves the file where it was when it is moved an even number of times.
func (r *run) moveFile() error {
	from, to := filePath, movedPath
	return r.times(func(int) error {
		err := r.driver.Move(r.context, from, to)
		from, to = to, from
		return err
	})
}

func (r *run) deleteTree() error {
	return r.driver.Delete(r.context, treePath)
}
