// Which part of the map is seen. Places are in -1..1; the camera looks at one of them, so many times nearer.
export interface Camera { zoom: number; x: number; y: number }

/** The canvas in CSS pixels, and how many pixels one unit of each axis has when all is seen. */
export interface View { width: number; height: number; sx: number; sy: number }

export const ALL: Camera = { zoom: 1, x: 0, y: 0 };
export const NEAREST = 60;
const FARTHEST = 0.5;
const MARGIN = 34;   // pixels around all of the map
const STRETCH = 1.9; // how much wider than high a unit may be drawn, or higher than wide

export function viewOf(width: number, height: number): View {
  const x = Math.max(40, width / 2 - MARGIN), y = Math.max(40, height / 2 - MARGIN);
  return { width, height, sx: Math.min(x, y * STRETCH), sy: Math.min(y, x * STRETCH) };
}

export const across = (camera: Camera, view: View, x: number): number => (x - camera.x) * view.sx * camera.zoom + view.width / 2;
export const down = (camera: Camera, view: View, y: number): number => (y - camera.y) * view.sy * camera.zoom + view.height / 2;

export function placeAt(camera: Camera, view: View, px: number, py: number): { x: number; y: number } {
  return {
    x: (px - view.width / 2) / (view.sx * camera.zoom) + camera.x,
    y: (py - view.height / 2) / (view.sy * camera.zoom) + camera.y,
  };
}

/** Nearer by `factor`, with what is at pixel (px, py) kept there. */
export function zoomed(camera: Camera, view: View, factor: number, px: number, py: number): Camera {
  const zoom = Math.min(NEAREST, Math.max(FARTHEST, camera.zoom * factor));
  const held = placeAt(camera, view, px, py);
  const moved = placeAt({ ...camera, zoom }, view, px, py);
  return bounded({ zoom, x: camera.x + held.x - moved.x, y: camera.y + held.y - moved.y });
}

export function panned(camera: Camera, view: View, dx: number, dy: number): Camera {
  return bounded({ ...camera, x: camera.x - dx / (view.sx * camera.zoom), y: camera.y - dy / (view.sy * camera.zoom) });
}

/** All of these places, and not nearer than `nearest`. */
export function around(points: { x: number; y: number }[], nearest = 12): Camera {
  if (!points.length) return ALL;
  const span = (of: (p: { x: number; y: number }) => number): [number, number] => {
    const values = points.map(of);
    return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  };
  const [left, right] = span((p) => p.x), [top, bottom] = span((p) => p.y);
  const zoom = Math.min(nearest, 1.8 / Math.max(right - left, bottom - top, 1e-6));
  return { zoom: Math.max(1, zoom), x: (left + right) / 2, y: (top + bottom) / 2 };
}

/** Some of the map is always in sight. */
function bounded(camera: Camera): Camera {
  const held = (value: number): number => Math.min(1.1, Math.max(-1.1, value));
  return { zoom: camera.zoom, x: held(camera.x), y: held(camera.y) };
}
