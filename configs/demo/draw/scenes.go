package main

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
)

// shotPlan is one camera's hour, weather, place and special feature.
type shotPlan struct {
	mood    string
	azimuth float64 // of the sun; 0 is straight ahead, positive to the left
	high    float64 // metres
	yaw     float64 // degrees, positive to the left
	pitch   float64
	fov     float64
	feature string
	aside   float64 // metres to the right
}

// planOf is what the town's cameras are to look like; others get something by chance.
func planOf(id string, rnd *rand.Rand) shotPlan {
	plans := map[string]shotPlan{
		"cam000": {"afternoon", 120, 6.2, 7, 14, 74, "crossing", 0},
		"cam001": {"noon", -130, 5.5, -4, 8, 78, "bridge", 0},
		"cam002": {"morning", 75, 6.5, 3, 11, 80, "monument", 0},
		"cam003": {"overcast", 0, 5, 0, 12, 76, "government", 0},
		"cam004": {"dusk", 22, 7.2, 0, 11, 68, "tower", -4.7},
		"cam005": {"noon", 150, 6, -6, 10, 82, "station", 0},
		"cam006": {"morning", 60, 4.6, 2, 15, 84, "lanterns", 0},
		"cam007": {"afternoon", -140, 5, -5, 13, 78, "school", 0},
		"cam008": {"overcast", 0, 5.5, 4, 17, 80, "bikes", 0},
		"cam009": {"night", 0, 6, -9, 14, 78, "harbour", -16.5},
		"cam010": {"overcast", 0, 6, 8, 16, 76, "timber", 3.2},
		"cam011": {"dusk", -18, 5.5, 6, 9, 76, "ferry", 0},
		"cam012": {"night", 0, 5, 4, 13, 78, "estate", 0},
		"cam013": {"overcast", 0, 5, 12, 10, 80, "dyke", 0},
		"cam014": {"dusk", 100, 6, 5, 13, 80, "community", 0},
		"cam015": {"noon", 140, 5.6, -9, 13, 78, "fuel", 0},
		"cam016": {"morning", -60, 8, 2, 17, 70, "bridgehead", -1},
		"cam017": {"night", 0, 4.6, -3, 15, 84, "nightmarket", -0.6},
		"cam018": {"infrared", 0, 5, 20, 10, 76, "fence", 0},
		"cam019": {"afternoon", -120, 5.2, -6, 11, 78, "crossing", 0},
		"cam020": {"noon", 110, 5, 4, 12, 78, "stonebridge", 0},
		"cam021": {"morning", -45, 5, -5, 11, 80, "terraces", 0},
		"cam022": {"afternoon", 130, 5, -6, 10, 78, "footbridge", 0},
		"cam023": {"dusk", 60, 5.5, -4, 15, 80, "office", 0},
	}
	if p, ok := plans[id]; ok {
		return p
	}
	moods := []string{"morning", "noon", "overcast", "afternoon", "dusk", "night"}
	return shotPlan{mood: moods[rnd.IntN(len(moods))], azimuth: 60 + 240*rnd.Float64(), high: 5 + rnd.Float64(),
		yaw: 10*rnd.Float64() - 5, pitch: 12, fov: 74 + 8*rnd.Float64()}
}

// build makes a camera's world.
func build(c camera, face *typeface) (*world, error) {
	h := fnv.New64a()
	_, _ = h.Write([]byte(c.ID))
	rnd := rand.New(rand.NewPCG(h.Sum64(), 20))
	plan := planOf(c.ID, rnd)
	w := &world{name: c.Name, seed: int(h.Sum64() % 10007), rnd: rnd, mood: moodOf(plan.mood, plan.azimuth),
		lens: newLens(plan.high, plan.yaw, plan.pitch, plan.fov)}
	w.mood.gamma = gammaTable()
	w.lens.pos.x = plan.aside
	scenes := map[string]func(*world, *typeface, shotPlan) error{
		"street": street, "river": river, "square": square, "gate": gate,
		"market": market, "railway": railway, "yard": yard, "village_road": village,
	}
	scene := scenes[c.Scene]
	if scene == nil {
		return nil, fmt.Errorf("no scene %q", c.Scene)
	}
	if err := scene(w, face, plan); err != nil {
		return nil, err
	}
	return w, nil
}

// coats and carColors are what people wear and drive here.
func (w *world) coat() rgb {
	c := []uint32{0x2e3440, 0x5b3a36, 0x3d5a78, 0x7a756c, 0x8e2f2f, 0x40543f, 0xb7a58a, 0x1f2227, 0x6a4d7a, 0xc9c4b8}
	return hex(c[w.rnd.IntN(len(c))])
}

func (w *world) trousers() rgb {
	c := []uint32{0x22262e, 0x35373c, 0x2f3d55, 0x55504a}
	return hex(c[w.rnd.IntN(len(c))])
}

func (w *world) carColor() rgb {
	c := []uint32{0xe6e6e4, 0xdcdcda, 0x1b1c1f, 0x8c9095, 0xb9bcbf, 0x2b3a55, 0x7b1f22, 0x4a4036, 0xcfc9bb, 0x35534a}
	return hex(c[w.rnd.IntN(len(c))])
}

func (w *world) height() float64 { return 1.58 + 0.2*w.rnd.Float64() }

// park leaves a vehicle standing.
func (w *world) park(kind string, pos vec, yaw float64) {
	w.still.put(car(kind, w.carColor(), false), pos, yaw)
}
