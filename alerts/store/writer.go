package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

// A job is one Write. Whoever moves state away from waiting owns it: the writer
// that starts it, or the caller whose context ended first.
type job struct {
	fn    func(*tx) error
	state atomic.Int32
	err   error // set before done is closed
	panic any   // fn's panic, carried to the caller's goroutine
	done  chan struct{}
}

const (
	waiting int32 = iota
	started
	skipped
)

// maxRuns is how often a batch is run, when the database would let it succeed.
const maxRuns = 3

// writer is the one goroutine that writes.
type writer struct {
	db    database
	newTx func(bun.Tx) *tx
	last  func(bun.Tx) error // before the commit
	rest  func()             // between transactions
	batch int
	room  func() bool // makes room on a full disk; nil: cannot

	queue chan *job

	mu     sync.RWMutex // read-held while sending to queue
	closed bool
	ended  chan struct{}
}

func startWriter(db database, queue, batch int, room func() bool, newTx func(bun.Tx) *tx, last func(bun.Tx) error, rest func()) *writer {
	w := &writer{db: db, newTx: newTx, last: last, rest: rest, batch: batch, room: room, queue: make(chan *job, queue), ended: make(chan struct{})}
	go w.run()
	return w
}

// close takes no more writes, waits for those that wait, and returns.
func (w *writer) close() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.mu.Unlock()
	<-w.ended
}

var errClosed = alerts.Errorf(alerts.Unavailable, "the store is closed")

// do queues fn and waits for its commit. Once fn has started its outcome is
// waited for, whatever happens to ctx: the caller never has to guess.
func (w *writer) do(ctx context.Context, fn func(*tx) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("store: write not begun: %w", err)
	}
	j := &job{fn: fn, done: make(chan struct{})}
	if err := w.send(ctx, j); err != nil {
		return err
	}
	select {
	case <-j.done:
	case <-ctx.Done():
		if j.state.CompareAndSwap(waiting, skipped) {
			return fmt.Errorf("store: write not begun: %w", ctx.Err())
		}
		<-j.done
	}
	if j.panic != nil {
		panic(j.panic)
	}
	return j.err
}

func (w *writer) send(ctx context.Context, j *job) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return errClosed
	}
	select {
	case w.queue <- j:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("store: write queue full: %w", ctx.Err())
	}
}

func (w *writer) run() {
	defer close(w.ended)
	batch := make([]*job, 0, w.batch)
	for first := range w.queue {
		batch = w.commit(first, batch[:0])
		for _, j := range batch {
			close(j.done)
		}
		clear(batch)
		w.rest()
	}
}

// commit runs first and whatever else waits in one transaction and returns the
// jobs it has run, each with its outcome.
func (w *writer) commit(first *job, ran []*job) []*job {
	if !first.state.CompareAndSwap(waiting, started) {
		return ran
	}
	ran = append(ran, first)
	for runs := 1; ; runs++ {
		committing, err := w.transact(&ran)
		if err == nil {
			return ran
		}
		// Whether a commit that failed came to the disk is not known.
		again := !committing && runs < maxRuns && w.db.again != nil && w.db.again(err)
		if w.full(err) {
			again = runs < maxRuns && w.room != nil && w.room()
		}
		if !again {
			return fail(ran, err)
		}
		for _, j := range ran {
			j.err, j.panic = nil, nil
		}
	}
}

func (w *writer) full(err error) bool { return err != nil && w.db.full != nil && w.db.full(err) }

// transact runs jobs, and those that wait, in one transaction. committing tells
// that they have all run.
func (w *writer) transact(ran *[]*job) (committing bool, err error) {
	// The transaction must outlive any caller: an interrupted statement would
	// undo the others' work.
	ctx := context.Background()
	btx, err := w.begin(ctx)
	if err != nil {
		// Whoever waits would wait for the same in vain.
		for j := w.next(len(*ran)); j != nil; j = w.next(len(*ran)) {
			*ran = append(*ran, j)
		}
		return false, fmt.Errorf("store: begin: %w", classify(err))
	}
	for n := 0; ; n++ {
		if n == len(*ran) {
			j := w.next(n)
			if j == nil {
				break
			}
			*ran = append(*ran, j)
		}
		err := w.runJob(ctx, btx, (*ran)[n])
		if own := (*ran)[n].err; err == nil && w.full(own) {
			err = own // it is the disk's: the others would find the same
		}
		if err != nil {
			_ = btx.Rollback()
			return false, err
		}
	}
	if err := w.last(btx); err != nil {
		_ = btx.Rollback()
		return false, err
	}
	if err := btx.Commit(); err != nil {
		_ = btx.Rollback()
		return true, fmt.Errorf("store: commit: %w", classify(err))
	}
	return true, nil
}

// begin begins a transaction that may write.
func (w *writer) begin(ctx context.Context) (bun.Tx, error) {
	btx, err := w.db.writes.BeginTx(ctx, nil)
	if err != nil || w.db.turn == nil {
		return btx, err
	}
	if err := w.db.turn(ctx, btx); err != nil {
		_ = btx.Rollback()
		return btx, err
	}
	return btx, nil
}

// next takes a write that waits already, nil where there is none or the batch
// is full.
func (w *writer) next(n int) *job {
	for n < w.batch {
		select {
		case j, ok := <-w.queue:
			if !ok {
				return nil
			}
			if j.state.CompareAndSwap(waiting, started) {
				return j
			}
		default:
			return nil
		}
	}
	return nil
}

// What goes around a job.
const (
	openJob  = "SAVEPOINT job"
	closeJob = "RELEASE SAVEPOINT job"
	undoJob  = "ROLLBACK TO SAVEPOINT job"
)

// runJob runs one job behind a savepoint. The error it returns is one of the
// whole transaction; the job's own is in the job.
func (w *writer) runJob(ctx context.Context, btx bun.Tx, j *job) error {
	if _, err := btx.ExecContext(ctx, openJob); err != nil {
		return fmt.Errorf("store: savepoint: %w", classify(err))
	}
	t := w.newTx(btx)
	j.err = run(t, j)
	t.over = true
	if j.err == nil && j.panic == nil {
		_, err := btx.ExecContext(ctx, closeJob)
		if err == nil {
			return nil
		}
		j.err = fmt.Errorf("store: release: %w", classify(err))
	}
	if _, err := btx.ExecContext(ctx, undoJob); err != nil {
		return fmt.Errorf("store: the database ended the transaction: %w", classify(errors.Join(j.err, err)))
	}
	if _, err := btx.ExecContext(ctx, closeJob); err != nil {
		return fmt.Errorf("store: release: %w", classify(err))
	}
	return nil
}

func run(t *tx, j *job) (err error) {
	defer func() { j.panic = recover() }()
	return j.fn(t)
}

// fail gives every job the transaction's error; a job's own error stays.
func fail(ran []*job, err error) []*job {
	for _, j := range ran {
		if j.err == nil {
			j.err = err
		}
	}
	return ran
}
