package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"

	"sharpeyes/configs"
	"sharpeyes/streams/camsim"
)

// camsimCmd serves simulated cameras.
type camsimCmd struct {
	Listen   string `default:"127.0.0.1:8554" help:"Address of the RTSP server."`
	Cameras  int    `short:"n" default:"24" help:"How many; they are served as cam000, cam001, ... and cam000/sub, ..."`
	Bitrate  int    `default:"0" help:"Pad each main stream to so many bits a second; 0: as it is."`
	Username string `help:"Ask for this user by digest authentication; the password comes from CAMSIM_PASSWORD."`
}

// Run serves until the context ends.
func (c camsimCmd) Run(ctx context.Context) error {
	if c.Cameras < 1 || c.Cameras > 1000 {
		return fmt.Errorf("--cameras: must be 1 to 1000")
	}
	s := camsim.New()
	s.Addr, s.Username, s.Password = c.Listen, c.Username, os.Getenv("CAMSIM_PASSWORD")
	if (s.Username == "") != (s.Password == "") {
		return fmt.Errorf("--username needs the variable CAMSIM_PASSWORD, and the variable needs --username")
	}
	cams, err := simulated(c.Cameras)
	if err != nil {
		return err
	}
	s.Cameras, s.Bitrate = cams, c.Bitrate
	if err := s.Open(); err != nil {
		return listenError(c.Listen, err)
	}
	defer s.Close()
	fmt.Printf("%d cameras on rtsp://%s/cam000 ... cam%03d (sub streams at .../sub). Ctrl-C ends.\n", c.Cameras, s.Address(), c.Cameras-1)
	<-ctx.Done()
	return nil
}

// simulated makes cameras of the demo's loops, in turn.
func simulated(n int) ([]camsim.Camera, error) {
	loops, err := fs.Sub(configs.Demo(), "loops")
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(loops, "*.main.h264")
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("the program was built without camera loops")
	}
	type pair struct{ main, sub *camsim.Loop }
	read := make([]pair, min(len(files), n))
	for i := range read {
		name := files[i][:len(files[i])-len(".main.h264")]
		for profile, to := range map[string]**camsim.Loop{"main": &read[i].main, "sub": &read[i].sub} {
			raw, err := fs.ReadFile(loops, name+"."+profile+".h264")
			if err != nil {
				return nil, fmt.Errorf("camera loop: %w", err)
			}
			if *to, err = camsim.LoadLoop(bytes.NewReader(raw)); err != nil {
				return nil, fmt.Errorf("camera loop %s: %w", name, err)
			}
		}
	}
	out := make([]camsim.Camera, n)
	for i := range out {
		p := read[i%len(read)]
		out[i] = camsim.Camera{Path: fmt.Sprintf("cam%03d", i), Main: p.main, Sub: p.sub, Audio: i%6 == 0}
	}
	return out, nil
}
