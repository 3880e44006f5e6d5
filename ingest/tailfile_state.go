package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// tailState is how far files were read. It holds nothing of what is in them but
// checksums of 32 bits.
type tailState struct {
	path    string
	changed bool
	known   []checkpoint
}

// checkpoint is what is written down of one file.
type checkpoint struct {
	Path string `json:"path"`
	fileID
	Print  fingerprint `json:"fingerprint"`
	Offset int64       `json:"offset"`
	Line   int64       `json:"line"`
}

// tailSchema is the "schema" member of a state file.
const tailSchema = "leaktap/tail-state/v1"

type tailFile struct {
	Schema string       `json:"schema"`
	Files  []checkpoint `json:"files"`
}

// loadTailState reads a state file; one that is not there is empty.
func loadTailState(path string) (*tailState, error) {
	s := &tailState{path: path}
	if path == "" {
		return s, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read state of files: %w", err)
	}
	var file tailFile
	if err := json.Unmarshal(text, &file); err != nil || file.Schema != tailSchema {
		return nil, fmt.Errorf("read state of files: %s is none; remove it to begin anew", path)
	}
	s.known = file.Files
	return s, nil
}

// find returns where a file was left: by its inode, or else, for one that was
// copied, by its path; its beginning has to be the same.
func (s *tailState) find(f *tailed) (offset, line int64, ok bool) {
	for _, byInode := range []bool{true, false} {
		for _, c := range s.known {
			same := c.fileID == f.id
			if !byInode {
				same = c.Path == f.path && c.Print.Size > 0
			}
			if !same || c.Offset > f.size {
				continue
			}
			if now, err := takeFingerprint(f.file, c.Print.Size); err == nil && now == c.Print {
				return c.Offset, c.Line, true
			}
		}
	}
	return 0, 0, false
}

// left returns the files that were not read to their ends and have another name
// now, in the directory where they were.
func (s *tailState) left(seen map[fileID]bool) (list []checkpoint) {
	for _, c := range s.known {
		if seen[c.fileID] {
			continue
		}
		path, err := filepath.EvalSymlinks(c.Path)
		if err != nil {
			path = c.Path
		}
		dir := filepath.Dir(path)
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, entry := range entries {
			name := filepath.Join(dir, entry.Name())
			if id, ok := identify(name); ok && id == c.fileID {
				list = append(list, checkpoint{Path: name, fileID: id})
				break
			}
		}
	}
	return list
}

// note takes over how far files were handled, and says whether anything changed
// since the state was saved.
func (s *tailState) note(open []*tailed) bool {
	for _, f := range open {
		c := checkpoint{Path: f.path, fileID: f.id, Print: f.print}
		c.Offset, c.Line = f.handled()
		i := slices.IndexFunc(s.known, func(k checkpoint) bool { return k.fileID == f.id })
		switch {
		case i < 0:
			s.known, s.changed = append(s.known, c), true
		case s.known[i] != c:
			s.known[i], s.changed = c, true
		}
	}
	changed := s.changed
	s.changed = false
	return changed
}

// keep forgets all files but those.
func (s *tailState) keep(open []*tailed) {
	s.known = slices.DeleteFunc(s.known, func(c checkpoint) bool {
		return !slices.ContainsFunc(open, func(f *tailed) bool { return f.id == c.fileID })
	})
}

// over forgets a file.
func (s *tailState) over(f *tailed) {
	s.known = slices.DeleteFunc(s.known, func(c checkpoint) bool { return c.fileID == f.id })
	s.changed = true
}

// save writes the state in one step: a crash leaves the old one or the new one.
func (s *tailState) save() error {
	if s.path == "" {
		return nil
	}
	text, err := json.Marshal(tailFile{tailSchema, s.known})
	if err != nil {
		return fmt.Errorf("encode state of files: %w", err)
	}
	temporary := s.path + ".new"
	if err := writeSynced(temporary, text); err != nil {
		return fmt.Errorf("write state of files: %w", err)
	}
	if err := os.Rename(temporary, s.path); err != nil {
		return fmt.Errorf("write state of files: %w", err)
	}
	return nil
}

func writeSynced(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
