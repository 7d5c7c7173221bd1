package record

import (
	"errors"
	"sync"
)

// filers bring closed segments to the disk: a disk that is slow to do it must not
// hold up the pictures that are coming.
const (
	filers        = 4
	filingsAtMost = 1024 // segments that wait; beyond it a stream waits itself
)

// filing is a segment that is closed and not in the index yet.
type filing struct {
	s *stream
	g *segment
	e entry
}

func (f filing) path() string { return f.g.day.path(f.e) }

// filings are those that are not done.
type filings struct {
	mu   sync.Mutex
	done sync.Cond
	open map[string]bool // their files
	list chan filing
	wait sync.WaitGroup
}

func (r *Recorder) openFilings() {
	f := &r.filings
	f.done.L = &f.mu
	f.list, f.open = make(chan filing, filingsAtMost), map[string]bool{}
	for range filers {
		f.wait.Go(func() {
			for one := range f.list {
				r.file(one)
			}
		})
	}
}

// closeFilings returns when all is done; nobody may file any more.
func (r *Recorder) closeFilings() {
	if r.filings.list != nil {
		close(r.filings.list)
		r.filings.wait.Wait()
	}
}

// later has a segment filed.
func (r *Recorder) later(one filing) {
	f := &r.filings
	f.mu.Lock()
	f.open[one.path()] = true
	f.mu.Unlock()
	select {
	case f.list <- one:
	default:
		r.file(one)
	}
}

// filed returns when nothing is left to be filed.
func (r *Recorder) filed() {
	f := &r.filings
	f.mu.Lock()
	for len(f.open) > 0 {
		f.done.Wait()
	}
	f.mu.Unlock()
}

// beingFiled tells of one that is not.
func (r *Recorder) beingFiled(path string) bool {
	r.filings.mu.Lock()
	defer r.filings.mu.Unlock()
	return r.filings.open[path]
}

// file brings a segment to the disk and into the index: data, folder, index. What
// fails is taken from the file at the next Open.
func (r *Recorder) file(one filing) {
	err := errors.Join(one.g.f.Sync(), one.g.f.Close(), syncDir(one.g.day.dir))
	if err == nil {
		err = one.g.day.log(made, one.e)
	}
	f := &r.filings
	f.mu.Lock()
	if delete(f.open, one.path()); len(f.open) == 0 {
		f.done.Broadcast()
	}
	f.mu.Unlock()
	if err != nil {
		r.failed(one.s, one.g.disk, err)
	}
}

// failed tells of a write that did not succeed.
func (r *Recorder) failed(s *stream, disk string, err error) {
	r.Log.Error("record: write", "camera", s.camera, "profile", s.profile, "err", err)
	if r.OnDisk != nil {
		st := diskState(disk)
		st.Err = err
		r.OnDisk(st)
	}
}
