import { ArmKey } from "./ArmKey.tsx";

/** Which line is which arm, and what each arm is. */
export function ArmLegend({ arms, meanings }: { arms: string[]; meanings?: Record<string, string> }) {
  return (
    <ul className="legend" aria-label="Arms of the study">
      {arms.map((arm, index) => (
        <li key={arm}>
          <ArmKey index={index} />
          <span>
            <strong>{arm}</strong>
            {meanings?.[arm] && <span className="facts"> {meanings[arm]}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}
